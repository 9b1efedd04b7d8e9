// The reader's account: a wallet, balances, deposits, withdrawals and claims.

import { type Account, ask, type Market, market as readMarket, type Transaction } from "./api";
import { button, type Child, fill, h, refocus, table } from "./dom";
import { field, options } from "./jobs";
import type { View } from "./main";
import * as transactions from "./transactions";
import * as wallet from "./wallet";

export function accountView(): View {
  let market: Market | null = null;
  let account: Account | null = null;
  let says = "";

  const who = h("div", { id: "wallet" });
  const warning = h("p", { role: "alert", id: "warning" });
  const holdings = h("div");
  const deposit = moneyForm("deposit", "Deposit", false, (amount) => perform("deposit", amount));
  const withdraw = moneyForm("withdraw", "Withdraw", true, (amount) => perform("withdraw", amount));
  const forms = h("div", { class: "forms" }, [deposit.element, withdraw.element]);

  const isRightChain = () => !!market && wallet.connection?.chainId === market.chain_id;
  const show = () => {
    const { connection } = wallet;
    fill(who, ...(connection ? connected(connection) : choice((one) => run(wallet.connect(one)))));
    const wrong = connection && market && !isRightChain();
    const chains = `${connection?.wallet.info.name} is on chain ${connection?.chainId}`;
    fill(
      warning,
      wrong && `Wrong chain: ${chains}, this market on chain ${market?.chain_id}. `,
      wrong && button("Switch the wallet", () => run(wallet.switchTo(market?.chain_id ?? 0))),
      says || wallet.farewell,
    );
    warning.hidden = !wrong && !says && !wallet.farewell;
    for (const form of [deposit, withdraw]) form.enable(isRightChain() && !transactions.isBusy);
    forms.hidden = !connection;
    const canClaim = isRightChain() && !transactions.isBusy;
    const claim = (index: number) => perform("claim", String(index));
    fill(holdings, ...(connection && account ? held(account, canClaim, claim) : []));
  };
  const run = (asked: Promise<void>) => {
    says = "";
    asked.catch((error) => {
      says = wallet.explained(error);
    }).finally(() => {
      const before = document.activeElement;
      show();
      refocus(before);
    });
  };
  const refresh = async () => {
    market ??= await readMarket();
    deposit.units(market);
    withdraw.units(market);
    const asked = wallet.connection?.account;
    const answer = asked ? await ask<Account>(`accounts/${asked}`) : null;
    if (asked === wallet.connection?.account) account = answer;
    show();
  };

  const perform = async (command: string, amount: string) => {
    const begun = wallet.connection;
    if (!begun || !isRightChain()) return;
    says = "";
    const question = `calldata/${command}/${begun.account}/${encodeURIComponent(amount)}`;
    const done = transactions.perform(begun, () => ask<Transaction[]>(question));
    show();
    await done.catch((error) => {
      says = (error as Error).message;
    });
    await refresh().catch(show);
  };
  const unwatch = wallet.watch(() => {
    account = null;
    refresh().catch(show);
  });
  show();
  return {
    title: "Account",
    element: h("section", {}, [
      h("h1", {}, ["Account"]),
      who,
      warning,
      holdings,
      forms,
      transactions.log,
    ]),
    refresh,
    leave: unwatch,
  };
}

function choice(connect: (one: wallet.Wallet) => void): Child[] {
  if (wallet.found.size === 0) {
    return [
      h("p", { class: "empty" }, [
        "No wallet was found: install one that announces itself (EIP-6963) and reload the page. ",
        h("code", {}, ["deml deposit"]),
        " does the same with a keystore.",
      ]),
    ];
  }
  const wallets = [...wallet.found.values()].map((one) =>
    h("li", {}, [
      h("button", { type: "button" }, [icon(one), `Connect ${one.info.name}`], {
        click: () => connect(one),
      }),
    ]),
  );
  return [h("p", {}, ["Choose the wallet that signs:"]), h("ul", { class: "wallets" }, wallets)];
}

function icon(one: wallet.Wallet): Child {
  const isImage = one.info.icon?.startsWith("data:image/");
  return isImage && h("img", { src: one.info.icon, alt: "", width: 20, height: 20 });
}

function connected({ wallet: one, account }: wallet.Connection): Child[] {
  return [
    h("p", { class: "connected" }, [
      icon(one),
      `${one.info.name} `,
      h("code", { class: "whole" }, [account]),
      " ",
      button("Disconnect", wallet.disconnect),
    ]),
  ];
}

function held(account: Account, canClaim: boolean, claim: (index: number) => void): Child[] {
  const vouchers = account.vouchers.map(({ index, state }, at) =>
    h("li", {}, [
      account.vouchers_in_words[at] ?? "",
      " ",
      state === "ready" && button("Claim", () => claim(index), { disabled: !canClaim }),
    ]),
  );
  return [
    table(
      "Balances",
      ["Asset", "In the wallet", "Free in the market"],
      account.balances.map(({ symbol, wallet: owned, free }) => [symbol, owned, free]),
    ),
    h("h2", {}, ["Vouchers"]),
    vouchers.length > 0
      ? h("ul", { class: "vouchers" }, vouchers)
      : h("p", { class: "empty" }, ["No voucher waits to be executed."]),
  ];
}

interface MoneyForm {
  element: HTMLElement;
  enable(can: boolean): void;
  units(market: Market): void;
}

/** A form for an amount; of a withdrawal it may be all. */
function moneyForm(
  id: string,
  title: string,
  canBeAll: boolean,
  submit: (amount: string) => void,
): MoneyForm {
  const amount = h("input", {
    id: `${id}-amount`,
    inputmode: "decimal",
    autocomplete: "off",
    pattern: "[0-9]+([.][0-9]+)?",
    title: "a number like 12 or 0.5",
    required: true,
  });
  const unit = h("select", { id: `${id}-unit` }, options(["ether"]));
  const go = h("button", { type: "submit" }, [title]);
  const all = button("Withdraw all", () => submit("all"));
  const element = h(
    "form",
    { id, "aria-label": title },
    [field(`${title}: amount`, amount), field("Unit", unit), go, canBeAll && all],
    {
      submit: (event) => {
        event.preventDefault();
        submit(`${amount.value}${unit.value}`);
      },
    },
  );
  return {
    element,
    enable(can) {
      go.disabled = !can;
      all.disabled = !can;
    },
    units({ token }) {
      if (!token || unit.options.length > 1) return;
      unit.append(h("option", { value: "token" }, [token.symbol]));
    },
  };
}
