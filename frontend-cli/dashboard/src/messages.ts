// Messages about a job between its sponsor and a client: encrypted and opened in this browser.

import { askBytes, type Transaction } from "./api";
import { button, type Child, download, fill, h } from "./dom";
import { date, short } from "./format";
import { PASSPHRASE_MIN, randomWord, secretsOf, type Vault } from "./secrets";
import * as transactions from "./transactions";
import { consult } from "./twin";
import * as wallet from "./wallet";

interface Mailbox {
  chain_id: number;
  application: string;
  input_box: string;
  job: string;
  account: string;
}

interface Recipient {
  account: string;
  is_sponsor: boolean;
  submission: number;
  sequence: number;
  key: string | null;
}

interface Letter {
  input: number;
  time: number;
  from: string;
  submission: number;
  sequence: number;
  ciphertext: string;
}

interface Correspondence {
  mailbox: Mailbox;
  key: string | null;
  recipients: Recipient[];
  letters: Letter[];
}

interface Opened {
  digest: string;
  text: string | null;
}

interface Key {
  key: string;
  transactions: Transaction[];
}

export interface MessagesPart {
  element: HTMLElement;
  show(): void;
  leave(): void;
}

/** Open secrets of this visit, by account. */
const vaults = new Map<string, Vault>();

export function messagesPart(number: string): MessagesPart {
  let known: Correspondence | null = null;
  let read: Opened[] = [];

  const warning = h("p", { role: "alert", hidden: true, id: "messages-trouble" });
  const lock = h("div", { id: "messages-lock" });
  const list = h("ol", { class: "messages" });
  const write = h("div", { id: "messages-write" });
  const element = h("section", { hidden: true, id: "messages" }, [
    h("h2", {}, ["Messages"]),
    h("p", { class: "quiet" }, [
      "Encrypted for the recipient alone. Everybody sees who writes to whom, when, and how long.",
    ]),
    warning,
    lock,
    list,
    write,
  ]);

  const complain = (words: string) => {
    fill(warning, words);
    warning.hidden = !words;
  };
  const run = (action: () => Promise<void>) => async () => {
    complain("");
    await action().catch((error) => complain((error as Error).message));
    await refresh();
  };
  const store = ({ chain_id, application, account }: Mailbox) =>
    secretsOf(chain_id, application, account);
  const vaultOf = ({ chain_id, application, account }: Mailbox) =>
    vaults.get(`${chain_id}/${application}/${account}`) ?? null;
  const keep = ({ chain_id, application, account }: Mailbox, vault: Vault) =>
    vaults.set(`${chain_id}/${application}/${account}`, vault);
  const newestKey = (mailbox: Mailbox, vault: Vault) =>
    consult<Key>({ ask: "message_key", mailbox, secret: vault.open.secrets[0] });

  /** Has transactions signed by the account that is shown. */
  const perform = async (mailbox: Mailbox, asked: Transaction[]) => {
    const begun = wallet.connection;
    if (begun?.account.toLowerCase() !== mailbox.account) {
      throw new Error("the account was changed in the wallet: nothing was sent");
    }
    if (begun.chainId !== mailbox.chain_id) {
      throw new Error("the wallet is on another chain: switch it on the page of the account");
    }
    return transactions.perform(begun, async () => asked);
  };

  const publish = async (mailbox: Mailbox, vault: Vault) => {
    await perform(mailbox, (await newestKey(mailbox, vault)).transactions);
  };
  const rotate = async (mailbox: Mailbox, vault: Vault) => {
    // On disk before it is published: what is encrypted for it must be readable.
    vault.open.secrets.unshift(randomWord());
    await vault.save();
    await publish(mailbox, vault);
  };
  const send = async (mailbox: Mailbox, vault: Vault, to: Recipient, text: string) => {
    const { account, submission, sequence, key } = to;
    const draft = { to: account, submission, sequence, key, ephemeral: randomWord(), text };
    const question = { ask: "seal_message", mailbox, draft };
    const sealed = await consult<{ digest: string; transactions: Transaction[] }>(question);
    vault.open.sent[sealed.digest] = text;
    await vault.save();
    if (await perform(mailbox, sealed.transactions)) written.value = "";
  };
  const block = async (vault: Vault, account: string, isBlocked: boolean) => {
    const others = vault.open.blocked.filter((one) => one !== account);
    vault.open.blocked = isBlocked ? [...others, account] : others;
    await vault.save();
  };

  const passphrase = h("input", {
    type: "password",
    id: "messages-passphrase",
    autocomplete: "off",
    minlength: PASSPHRASE_MIN,
  });
  const file = h("input", { type: "file", id: "messages-file", accept: ".json" });
  file.addEventListener("change", () => {
    const [chosen] = file.files ?? [];
    const mailbox = known?.mailbox;
    if (chosen && mailbox) run(async () => store(mailbox).take(await chosen.text()))();
  });
  const secretForm = h("div", { class: "tools" }, [
    h("label", { for: passphrase.id }, ["Passphrase of your messages"]),
    passphrase,
  ]);
  const enter = (mailbox: Mailbox, isNew: boolean) =>
    run(async () => {
      const typed = passphrase.value;
      if (isNew && typed.length < PASSPHRASE_MIN) {
        throw new Error(`a passphrase has at least ${PASSPHRASE_MIN} letters`);
      }
      keep(mailbox, await (isNew ? store(mailbox).make(typed) : store(mailbox).unlock(typed)));
      passphrase.value = "";
    });

  const recipient = h("select", { id: "messages-to" });
  const written = h("textarea", { id: "messages-text", rows: 3, maxlength: 4095 });
  const writeForm = h("div", { class: "write" }, [
    h("label", { for: recipient.id }, ["To"]),
    recipient,
    h("label", { for: written.id }, ["Message"]),
    written,
  ]);

  /** What is offered before and beside the messages: unlocking, publishing, exporting. */
  const keys = async ({ mailbox, key }: Correspondence, vault: Vault | null): Promise<Child[]> => {
    const disabled = transactions.isBusy;
    const kept = store(mailbox).kept();
    if (!vault) {
      const label = kept ? "Unlock" : "Make a key";
      const words = kept
        ? "Your keys are in this browser, encrypted."
        : "A key of yours is made and kept in this browser, encrypted with a passphrase; nobody can restore it. Export it for another browser.";
      return [
        h("p", {}, [words]),
        secretForm,
        button(label, enter(mailbox, !kept)),
        h("div", { class: "tools" }, [h("label", { for: file.id }, ["Take an exported file"]), file]),
      ];
    }
    const own = (await newestKey(mailbox, vault)).key;
    const save = () =>
      download("deml-messages.json", "application/json", store(mailbox).kept() ?? "");
    return [
      own !== key && h("p", {}, ["Nobody can write to you here before your key is published."]),
      h("div", { class: "tools" }, [
        own !== key && button("Publish the key", run(() => publish(mailbox, vault)), { disabled }),
        own === key && button("New key", run(() => rotate(mailbox, vault)), { disabled }),
        button("Export the keys", save),
      ]),
    ];
  };

  const shownMessages = ({ mailbox, letters }: Correspondence, vault: Vault): Child[] => {
    const known = new Set<string>();
    return letters.map((letter, at) => {
      const { digest, text } = read[at] ?? { digest: "", text: null };
      const isOwn = letter.from === mailbox.account;
      if (known.has(digest)) return null;
      known.add(digest);
      const isBlocked = vault.open.blocked.includes(letter.from);
      const words = isOwn
        ? (vault.open.sent[digest] ?? "(sent from elsewhere)")
        : (text ?? "(encrypted for a key that is not in this browser)");
      const change = run(() => block(vault, letter.from, !isBlocked));
      return h("li", { class: isOwn ? "own" : "other" }, [
        h("p", { class: "quiet" }, [
          `${date(letter.time)}, ${isOwn ? "you" : short(letter.from)}, `,
          `submission ${letter.submission}, message ${letter.sequence} `,
          !isOwn && button(isBlocked ? "Unblock" : "Block", change),
        ]),
        h("p", { class: "text" }, [isBlocked ? "(blocked)" : words]),
      ]);
    });
  };

  const show = async () => {
    element.hidden = !known || known.recipients.length === 0;
    if (!known || element.hidden) return;
    const { mailbox, recipients } = known;
    const vault = vaultOf(mailbox);
    if (document.activeElement !== passphrase) fill(lock, ...(await keys(known, vault)));
    fill(list, ...(vault ? shownMessages(known, vault) : []));
    const chosen = recipient.value;
    const names = recipients.map(({ account, is_sponsor, submission }) =>
      h("option", { value: account }, [
        is_sponsor ? "the sponsor" : `${short(account)}, submission ${submission}`,
      ]),
    );
    if (document.activeElement !== recipient) {
      fill(recipient, ...names);
      if (recipients.some(({ account }) => account === chosen)) recipient.value = chosen;
    }
    const to = recipients.find(({ account }) => account === recipient.value);
    const submit = run(async () => {
      const newest = known?.recipients.find(({ account }) => account === recipient.value);
      if (!vault || !newest?.key) throw new Error("the recipient has published no key yet");
      await send(mailbox, vault, newest, written.value);
    });
    if (!writeForm.isConnected && vault) fill(write, writeForm);
    if (!vault) fill(write);
    write.querySelector(".send")?.remove();
    if (vault) {
      write.append(
        h("div", { class: "tools send" }, [
          button("Send", submit, { disabled: transactions.isBusy || !to?.key }),
          !to?.key && h("span", { class: "quiet" }, ["has published no key yet"]),
        ]),
      );
    }
  };

  const refresh = async () => {
    const account = wallet.connection?.account.toLowerCase();
    const answer = account
      ? await askBytes(`jobs/${number}/messages/${account}`).catch(() => null)
      : null;
    const newest = answer && (JSON.parse(new TextDecoder().decode(answer)) as Correspondence);
    const vault = newest && vaultOf(newest.mailbox);
    let opened: Opened[] = [];
    if (newest && vault) {
      const { mailbox, letters } = newest;
      const question = { ask: "open_messages", mailbox, secrets: vault.open.secrets, letters };
      opened = await consult<Opened[]>(question);
    }
    if (account !== wallet.connection?.account.toLowerCase()) return;
    [known, read] = [newest, opened];
    await show();
  };
  recipient.addEventListener("change", () => void show());
  const unwatch = wallet.watch(() => void refresh());
  return { element, show: () => void refresh(), leave: unwatch };
}
