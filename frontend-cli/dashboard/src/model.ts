// A client's model for a job: scored in this browser before any gas, then submitted with the wallet.

import {
  askBytes,
  type JobDetail,
  market,
  type Refusal,
  type Submission,
  type Transaction,
} from "./api";
import { button, type Child, fill, h, table } from "./dom";
import { type Classes, figures, type Numbers } from "./figures";
import { date, metric, percent } from "./format";
import * as kept from "./kept";
import * as transactions from "./transactions";
import { consult } from "./twin";
import * as wallet from "./wallet";

interface Outlook {
  model: { cid: string };
  score: number | null;
  threshold_score: number | null;
  threshold_metric: string;
  base: number;
  is_on_slice: boolean;
  accepted: boolean;
  refusal: Refusal | null;
  explanation: string | null;
  pays: string;
  stake: string;
  cost: string | null;
  work: number | null;
  inputs: [number, number];
}

interface Found {
  model: Uint8Array;
  name: string;
  outlook: Outlook;
  seconds: number;
}

export interface ModelPart {
  element: HTMLElement;
  show(job: JobDetail): void;
  leave(): void;
}

export function modelPart(number: string): ModelPart {
  let job: JobDetail | null = null;
  let found: Found | null = null;
  let hasTwin = false;
  let says = "";
  let rows: Uint8Array | null = null;

  const input = h("input", { type: "file", id: "model-file", accept: ".onnx" });
  const drop = h("div", { class: "drop" }, [
    h("label", { for: input.id }, ["Choose a model (ONNX), or drop it here"]),
    input,
  ]);
  const state = h("p", { role: "status", id: "model-state" });
  const warning = h("p", { role: "alert", hidden: true, id: "model-trouble" });
  const result = h("div", { id: "model-result" });
  const matrix = h("div", { id: "model-figures" });
  const actions = h("div", { class: "tools", id: "model-actions" });
  const element = h("section", {}, [
    h("h2", {}, ["Your model"]),
    drop,
    state,
    warning,
    result,
    matrix,
    actions,
  ]);

  const tell = (words: string) => {
    if (state.textContent !== words) fill(state, words);
  };
  const complain = (words: string) => {
    says = words;
    fill(warning, words);
    warning.hidden = !words;
  };
  const entry = () => {
    const account = wallet.connection?.account;
    return askBytes(`jobs/${number}/entry${account ? `/${account}` : ""}`);
  };
  const own = (): Submission | null => {
    const account = wallet.connection?.account.toLowerCase();
    return job?.submission_list.filter((one) => one.client.toLowerCase() === account).at(-1) ?? null;
  };

  const score = async (name: string, model: Uint8Array) => {
    found = null;
    complain("");
    fill(result);
    fill(matrix);
    show();
    tell(`Scoring ${name} in this browser …`);
    try {
      const [asked, base, dataset] = await Promise.all([
        entry(),
        askBytes(`jobs/${number}/files/base`),
        askBytes(`jobs/${number}/files/dataset`),
      ]);
      rows = dataset;
      const begun = performance.now();
      const outlook = await consult<Outlook>({ ask: "outlook" }, [asked, base, dataset, model]);
      found = { model, name, outlook, seconds: (performance.now() - begun) / 1000 };
      fill(result, ...told(found));
      tell("");
      await details(found);
    } catch (error) {
      tell("");
      complain((error as Error).message);
    }
    show();
  };
  const details = async ({ model, outlook }: Found) => {
    if (outlook.score === null || !rows || !job) return;
    const { metric, output, threshold } = job.terms.offer;
    const measure = { metric, threshold_metric: threshold.metric, output };
    const question = { ask: "score", measure };
    const scored = await consult<{ figures: Classes | Numbers }>(question, [model, rows]);
    fill(matrix, ...figures(scored.figures));
  };

  /** Has transactions signed that the twin made of the newest state of the job. */
  const act = async (question: object, files: Uint8Array[] = []) => {
    const begun = wallet.connection;
    if (!begun) return false;
    complain("");
    let isDone = false;
    const done = transactions.perform(begun, async () =>
      consult<Transaction[]>(question, [await entry(), ...files]),
    );
    show();
    try {
      isDone = await done;
    } catch (error) {
      complain((error as Error).message);
    }
    show();
    return isDone;
  };
  const submit = async (model: Uint8Array, name: string) => {
    const account = wallet.connection?.account;
    if (!account || !job) return;
    const isSealed = job.words.kind.includes("sealed");
    const { model: plain } = await consult<{ model: { cid: string } }>({ ask: "inspect" }, [model]);
    const seal = isSealed ? kept.sealOf(account, job.job, plain) : null;
    await kept.keep(account, job.job, name, model);
    if (await act({ ask: "submit", seal }, [model])) await kept.forget(account, job.job);
  };
  const goOn = async () => {
    const account = wallet.connection?.account;
    const file = account && job && (await kept.find(account, job.job));
    if (file) await submit(file.bytes, file.name);
    else complain("The model's bytes are not in this browser: choose the same file again.");
  };

  const show = () => {
    fill(actions, ...offered());
  };
  const offered = (): Child[] => {
    if (!job || !hasTwin) return [];
    const account = wallet.connection?.account;
    if (!account) {
      return [h("a", { href: "#/account" }, ["Connect a wallet to submit"])];
    }
    // A sponsor's part is its own.
    if (account.toLowerCase() === job.sponsor.toLowerCase()) return [];
    if (wallet.connection?.chainId !== chainId) {
      return [h("a", { href: "#/account" }, ["The wallet is on another chain: switch it"])];
    }
    const disabled = transactions.isBusy;
    const mine = own();
    const items: Child[] = [];
    const isRunning = mine && !["refused", "accepted"].includes(mine.state);
    if (mine) items.push(h("p", {}, [words(mine, job)]));
    if (job.stage === "open" && mine?.state === "expecting") {
      items.push(button("Go on publishing", goOn, { disabled }));
    } else if (job.stage === "open" && found && !isRunning && mine?.state !== "accepted") {
      const { model, name } = found;
      const label = found.outlook.accepted ? "Submit" : "Submit all the same";
      items.push(button(label, () => submit(model, name), { disabled }));
    }
    if (mine?.state === "whole") {
      items.push(button("Carry on the evaluation", () => act({ ask: "evaluate" }), { disabled }));
    }
    if (mine?.state === "sealed" && job.now >= job.windows.close) {
      const question = { ask: "reveal", sealed: kept.seals(account, job.job) };
      items.push(button("Reveal", () => act(question), { disabled }));
    }
    const isOver = ["settled", "cancelled"].includes(job.stage);
    if (!isOver && job.now >= job.windows.close) {
      items.push(button("Settle", () => act({ ask: "settle" }), { disabled }));
    }
    if (mine?.state === "accepted") items.push(h("a", { href: "#/account" }, ["Claim"]));
    return items;
  };

  let chainId = 0;
  const unavailable =
    "Scoring in the browser was not built; `deml score --job` and `deml submit` do the same.";
  market().then(
    (known) => {
      chainId = known.chain_id;
      hasTwin = known.has_twin;
      drop.hidden = !hasTwin;
      if (!hasTwin) tell(unavailable);
      show();
    },
    () => {},
  );
  const take = async (file: File | undefined) => {
    if (file) await score(file.name, new Uint8Array(await file.arrayBuffer()));
  };
  input.addEventListener("change", () => take(input.files?.[0]));
  for (const name of ["dragover", "drop"]) drop.addEventListener(name, (event) => event.preventDefault());
  drop.addEventListener("drop", (event) => take((event as DragEvent).dataTransfer?.files[0]));
  const unwatch = wallet.watch(show);
  return {
    element,
    show(newest) {
      job = newest;
      if (says === "" || !transactions.isBusy) show();
    },
    leave: unwatch,
  };
}

function told({ name, outlook, seconds }: Found): Child[] {
  const { score, threshold_score: beside, refusal } = outlook;
  const on = outlook.is_on_slice ? " on the public slice; the hold-out is sealed" : "";
  const inputs = outlook.inputs[0] + outlook.inputs[1];
  const facts: [string, Child][] = [
    ["Score", score === null ? "cannot be evaluated" : `${percent(score)}${on}`],
    ["Base model", percent(outlook.base)],
    [metric(outlook.threshold_metric), beside === null ? "-" : percent(beside)],
    ["Pays", outlook.accepted ? outlook.pays : "nothing"],
    ["At stake", outlook.stake],
    ["Used up of it", outlook.cost ?? "known once the hold-out is"],
    ["Inputs", `1 to commit, ${inputs} for its bytes and its evaluation`],
    ["Instructions", outlook.work === null ? "-" : outlook.work.toLocaleString()],
  ];
  const verdict = outlook.accepted
    ? h("p", { class: "verdict", "data-state": "accepted" }, [`${name} would be accepted.`])
    : h("p", { class: "verdict", "data-state": "refused" }, [
        `${name} would be refused: `,
        h("strong", {}, [refusal?.heading ?? "unknown"]),
        `: ${refusal?.sentence ?? ""}`,
        outlook.explanation && ` (${outlook.explanation})`,
      ]);
  return [
    verdict,
    table(`Computed in this browser in ${seconds.toFixed(2)} s`, ["What", "How much"], facts.map(([what, much]) => [what, much])),
    h("p", { class: "quiet" }, [
      "The base model and the rows were verified by their CIDs in this browser. ",
      "Not known here: whether an earlier model is the same, and what others send meanwhile.",
    ]),
  ];
}

function words(mine: Submission, job: JobDetail): string {
  const name = `Your submission ${mine.submission}`;
  switch (mine.state) {
    case "expecting":
      return `${name} is committed; the market expects the rest of its bytes.`;
    case "sealed":
      return job.now >= job.windows.close
        ? `${name} is sealed: reveal it before ${date(job.windows.reveal_until)}, or lose the bond.`
        : `${name} is sealed: reveal it after ${date(job.windows.close)}, or lose the bond.`;
    case "whole":
      return `${name} is whole and waits to be decided.`;
    case "accepted":
      return `${name} is accepted: what it pays is a voucher of your account.`;
    default:
      return `${name} was refused.`;
  }
}
