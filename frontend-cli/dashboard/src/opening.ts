// A job that a sponsor opens: its draft, rehearsed in this browser, then signed by the wallet in
// parts; what was begun goes on after a reload.

import { ask, askBytes, type Job, type Market, market as readMarket, type Transaction } from "./api";
import { button, type Child, download, fill, h, refocus, table } from "./dom";
import { type DraftForm, draftForm, type Section } from "./draft";
import * as kept from "./kept";
import type { View } from "./main";
import "./open.css";
import * as transactions from "./transactions";
import { consult } from "./twin";
import * as wallet from "./wallet";

interface Fact {
  name: string;
  words: string;
}

interface Planned {
  terms: string;
  is_sealed: boolean;
  facts: Fact[];
  escrow: Fact[];
  total: string;
  risks: string[];
}

interface Named {
  job: string;
  terms: string;
  plain: { cid: string };
  reveal: [string, string] | null;
}

/** A draft that was rehearsed. */
interface Rehearsed {
  planned: Planned;
  title: string;
  trainer: string | null;
  files: Uint8Array[];
}

export function openingView(): View {
  let market: Market | null = null;
  let form: DraftForm | null = null;
  let rehearsed: Rehearsed | null = null;
  let begun: kept.Opening | null = null;
  let isSaved = false;
  let opened: Job | null = null;

  const state = h("p", { role: "status", id: "opening-state" });
  const warning = h("p", { role: "alert", hidden: true, id: "opening-trouble" });
  const place = h("div", {}, [h("p", {}, ["Reading what a job is made of …"])]);
  const rehearse = h("button", { type: "submit" }, ["Rehearse it in this browser"]);
  const draft = h("form", { class: "opening", "aria-label": "A new job", novalidate: true }, [place, rehearse], {
    submit: (event) => {
      event.preventDefault();
      run(plan);
    },
    input: () => {
      // What was rehearsed is another job than the one that is written now.
      if (rehearsed) [rehearsed, isSaved] = [null, false];
      show();
    },
  });
  const result = h("div", { id: "opening-result" });
  const bar = h("progress", { hidden: true, "aria-label": "Transactions done" });
  const actions = h("div", { class: "tools", id: "opening-actions" });

  const account = () => wallet.connection?.account ?? null;
  const isRightChain = () => !!market && wallet.connection?.chainId === market.chain_id;
  const desk = (job?: string) =>
    askBytes(["desk", account(), account() && job].filter((part) => part).join("/"));
  const complain = (words: string) => {
    fill(warning, words);
    warning.hidden = !words;
  };
  const run = (action: () => Promise<void>) => {
    complain("");
    action()
      .catch((error) => complain((error as Error).message))
      .finally(() => {
        const before = document.activeElement;
        fill(state);
        show();
        refocus(before);
      });
  };

  const plan = async () => {
    if (!form || begun || transactions.isBusy) return;
    [rehearsed, isSaved] = [null, false];
    show();
    const [chosen, stated] = [form.files(), form.draft()];
    if (chosen.length < 2) throw new Error("Choose the files of the base model and of the hold-out.");
    fill(state, "Rehearsing the opening in this browser …");
    const files = await Promise.all(chosen.map(async (file) => new Uint8Array(await file.arrayBuffer())));
    const planned = await consult<Planned>({ ask: "plan", draft: stated }, [await desk(), ...files]);
    const offer = stated.offer as { trainer?: string } | undefined;
    rehearsed = {
      planned,
      title: String(stated.title ?? "without a title"),
      trainer: offer?.trainer ?? null,
      files,
    };
  };

  /** Names the job and keeps what it is made of, before anything is sent. */
  const begin = async (): Promise<kept.Opening | null> => {
    const owner = account();
    if (!rehearsed || !owner) return null;
    const { planned, title, trainer, files } = rehearsed;
    const seal = planned.is_sealed ? { key: kept.random(), salt: kept.random() } : null;
    const made = { terms: planned.terms, salt: kept.random(), seal, trainer };
    const [, holdOut] = files;
    if (!holdOut) return null;
    const question = { ask: "name", begun: made };
    const { job, terms, plain, reveal } = await consult<Named>(question, [await desk(), holdOut]);
    const opening = { job, title, begun: { ...made, terms }, plain, reveal, isSent: false };
    if (seal) kept.keepSeal(owner, job, { plain, seal });
    await kept.keepOpening(owner, opening, files);
    return opening;
  };
  const saveKey = async () => {
    begun ??= await begin();
    if (!begun) return;
    const { job, title, plain, reveal, begun: made } = begun;
    const key = { what: "the key of a sealed hold-out", job, title, reveal, plain, seal: made.seal };
    download(`deml-key-${job.slice(2, 10)}.json`, "application/json", JSON.stringify(key, null, 1));
    isSaved = true;
  };
  const goOn = async () => {
    const [owner, connection] = [account(), wallet.connection];
    begun ??= await begin();
    if (!begun || !owner || !connection) return;
    const { job, begun: made } = begun;
    const files = await kept.filesOfOpening(owner);
    begun = { ...begun, isSent: true };
    kept.noteOpening(owner, begun);
    show();
    for (;;) {
      const asked = async () => {
        const question = { ask: "open", begun: made };
        const list = await consult<Transaction[]>(question, [await desk(job), ...files]);
        [bar.max, bar.value, bar.hidden] = [Math.max(list.length, 1), 0, false];
        return list;
      };
      let count = 0;
      const isDone = await transactions.perform(connection, asked, (done, all) => {
        [bar.value, count] = [done, all];
        fill(state, `${done} of ${all} transactions are done.`);
        show();
      });
      if (!isDone) return;
      if (count === 0) break;
    }
    await kept.forgetOpening(owner);
    [begun, rehearsed] = [null, null];
    opened = await ask<Job>(`jobs/${job}`);
    // `deml dashboard` takes the files from the inputs, and has them for those who train.
    for (const file of ["base", "dataset"]) await askBytes(`jobs/${job}/files/${file}`).catch(() => null);
  };
  const giveUp = async () => {
    const owner = account();
    if (owner) await kept.forgetOpening(owner);
    [begun, isSaved] = [null, false];
  };

  const show = () => {
    bar.hidden ||= !begun?.isSent;
    draft.hidden = !!begun?.isSent;
    fill(result, ...(rehearsed ? told(rehearsed.planned) : []));
    fill(actions, ...offered());
  };
  const offered = (): Child[] => {
    if (opened) {
      return [
        h("p", {}, [
          `Job ${opened.number} is open: `,
          h("a", { href: `#/job/${opened.number}` }, [opened.words.title || `job ${opened.number}`]),
        ]),
      ];
    }
    if (!rehearsed && !begun) return [];
    if (!account()) return wallets();
    if (!isRightChain()) {
      const change = () => wallet.switchTo(market?.chain_id ?? 0).catch(explain);
      return ["The wallet is on another chain. ", button("Switch the wallet", () => run(change))];
    }
    const disabled = transactions.isBusy;
    if (begun?.isSent) {
      return [
        h("p", { class: "whole" }, [`The job ${begun.title} was begun and is not complete: ${begun.job}`]),
        button("Go on opening", () => run(goOn), { disabled }),
        button("Forget it", () => run(giveUp), { disabled }),
      ];
    }
    const isSealed = rehearsed?.planned.is_sealed ?? false;
    return [
      isSealed &&
        h("p", { class: "whole" }, [
          "Save the key first. It is in this browser alone until you do: a browser that clears its " +
            "data loses it, and whoever else has it can read the hold-out.",
        ]),
      isSealed && button("Save the key", () => run(saveKey), { disabled }),
      button("Open the job", () => run(goOn), { disabled: disabled || (isSealed && !isSaved) }),
    ];
  };
  /** Connects here, as the form would be left otherwise. */
  const wallets = (): Child[] => {
    if (wallet.found.size === 0) return ["No wallet was found: install one, which then opens the job."];
    return [...wallet.found.values()].map((one) =>
      button(`Connect ${one.info.name}`, () => run(() => wallet.connect(one).catch(explain))),
    );
  };
  const explain = (error: unknown) => {
    throw new Error(wallet.explained(error));
  };
  const remember = () => {
    const owner = account();
    const found = owner ? kept.findOpening(owner) : null;
    begun = found?.isSent ? found : null;
    [isSaved, opened] = [false, null];
    show();
  };
  const unwatch = wallet.watch(remember);
  remember();
  return {
    title: "Open a job",
    element: h("section", {}, [
      h("h1", {}, ["Open a job"]),
      h("p", { class: "quiet" }, [
        "What is rehearsed here is decided by the market's own rules. Files stay in this browser " +
          "until the wallet signs.",
      ]),
      draft,
      state,
      warning,
      result,
      bar,
      actions,
      transactions.log,
    ]),
    async refresh() {
      market ??= await readMarket();
      if (form) return;
      form = draftForm(await ask<Section[]>("draft"));
      if (!market.has_twin) {
        fill(place, "Rehearsing in the browser was not built; `deml job open` does the same.");
        rehearse.hidden = true;
      } else {
        fill(place, form.element);
      }
      show();
    },
    leave: unwatch,
  };
}

function told({ facts, escrow, total, risks }: Planned): Child[] {
  const rows = (all: Fact[]) => all.map(({ name, words }): Child[] => [name, words]);
  return [
    h("h2", {}, ["What would come of it"]),
    table("Computed in this browser", ["What", "How much"], rows(facts)),
    table("To escrow", ["Item", "Amount"], [...rows(escrow), ["total", total]]),
    h("h3", {}, ["What can go wrong"]),
    h("ul", {}, risks.map((risk) => h("li", {}, [risk]))),
  ];
}
