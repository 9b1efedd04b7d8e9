// Verifies the market in this browser: the inputs from Ethereum, replayed by the market's own code,
// and what the node tells compared with what comes of them.

import { ask, askBytes, market, Unanswered } from "./api";
import { button, type Child, fill, h, table } from "./dom";
import type { View } from "./main";
import { consult } from "./twin";

interface Deployment {
  template: string | null;
  head: number;
}

interface History {
  next_block: number;
  head: number;
  inputs: string[];
  digest: string | null;
  claims: { last_block: number; root: string }[];
  wrong: string | null;
}

interface Told {
  next: number;
  is_all: boolean;
  outputs: { index: number; input: number; raw: string }[];
}

interface Progress {
  inputs: number;
  outputs: number;
  block: number;
  root: string;
}

/** What has been found out so far; it outlives the view. */
export const verified = {
  /** `none`, `running`, `holds`, `wrong`, or `failed`: it could not be found out. */
  state: "none" as "none" | "running" | "holds" | "wrong" | "failed",
  inputs: 0,
  outputs: 0,
  told: 0,
  claims: 0,
  block: 0,
  head: 0,
  seconds: 0,
  template: null as string | null,
  isByInputBox: true,
  /** What does not hold, or why it is not known. */
  why: "",
};

let nextBlock = 0;
let accepted: string[] = [];
const watchers = new Set<() => void>();
let running: Promise<void> | null = null;

function changed(): void {
  for (const watcher of watchers) watcher();
}

/** Forgets everything: blocks were replaced. */
export function forget(): void {
  if (verified.state === "none") return;
  Object.assign(verified, { state: "none", inputs: 0, outputs: 0, told: 0, claims: 0, why: "" });
  changed();
}

/** Verifies all that there is by now, or only what is new. */
export function verify(): Promise<void> {
  running ??= run().finally(() => {
    running = null;
    changed();
  });
  return running;
}

async function run(): Promise<void> {
  const begun = performance.now();
  const isNew = verified.state === "none" || verified.state === "failed";
  if (verified.state === "wrong") return;
  try {
    if (isNew) {
      await begin();
      verified.state = "running";
    }
    await replay();
    await compare();
    if (isNew) verified.seconds = (performance.now() - begun) / 1000;
    verified.state = "holds";
  } catch (error) {
    const isRefused = error instanceof Unanswered && error.by === "refused";
    verified.state = isRefused && verified.state === "running" ? "wrong" : "failed";
    if (isRefused && !isNew) verified.state = "wrong";
    verified.why = (error as Error).message;
  }
}

async function begin(): Promise<void> {
  const { chain_id, application } = await market();
  const { template, head } = await ask<Deployment>("deployment");
  const genesis = await askBytes("genesis");
  await consult({ ask: "begin", chain_id, application, template }, [genesis]);
  Object.assign(verified, { inputs: 0, outputs: 0, told: 0, claims: 0, block: 0, head, template });
  verified.isByInputBox = true;
  nextBlock = 0;
  accepted = [];
  changed();
}

async function replay(): Promise<void> {
  for (;;) {
    const history = await ask<History>(`history/${nextBlock}`);
    const { inputs, digest, claims, head } = history;
    if (inputs.length > 0) {
      const progress = await consult<Progress>({ ask: "advance", inputs, digest });
      verified.inputs = progress.inputs;
      verified.outputs = progress.outputs;
      verified.isByInputBox &&= digest !== null;
    }
    await consult({ ask: "claims", claims });
    accepted.push(...claims.map(({ root }) => root));
    verified.claims += claims.length;
    nextBlock = history.next_block;
    Object.assign(verified, { block: nextBlock - 1, head });
    changed();
    if (history.wrong !== null) throw new Unanswered("refused", history.wrong);
    if (nextBlock > head) return;
  }
}

async function compare(): Promise<void> {
  for (;;) {
    const { next, is_all, outputs } = await ask<Told>(`outputs/${verified.told}`);
    // The node may have processed an input that is younger than the replay.
    const known = outputs.filter(({ index }) => index < verified.outputs);
    await consult({ ask: "compare", outputs: known });
    verified.told = Math.min(next, verified.outputs);
    changed();
    if (is_all || known.length < outputs.length) return;
  }
}

/** Whether what is shown is what the market here answers: `null` if nothing was verified. */
export async function holds(shown: () => Promise<[string, unknown][]>): Promise<boolean | null> {
  if (verified.state !== "holds") return null;
  for (let attempt = 0; attempt < 3; attempt++) {
    await verify();
    if (verified.state !== "holds") return null;
    const answers = await shown();
    const differing = await consult<string[]>({ ask: "differing", shown: answers });
    if (differing.length === 0) return true;
  }
  return false;
}

export function verifyView(): View {
  const state = h("p", { role: "status", id: "verified" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Blocks verified" });
  const facts = h("div");
  const go = button("Verify now", () => verify());
  const bundle = h("input", { type: "file", id: "bundle", accept: ".json" });
  const proofs = h("div", { id: "proofs", role: "status" });
  let hasTwin = true;
  const show = () => {
    const words = sentence(hasTwin);
    if (state.textContent !== words) fill(state, words);
    state.dataset.state = verified.state;
    bar.hidden = verified.state === "none";
    bar.max = Math.max(verified.head, 1);
    bar.value = verified.block;
    go.disabled = running !== null || !hasTwin;
    fill(facts, verified.state !== "none" && details());
  };
  bundle.addEventListener("change", async () => {
    const [file] = bundle.files ?? [];
    if (file) fill(proofs, ...(await prove(new Uint8Array(await file.arrayBuffer()))));
  });
  watchers.add(show);
  show();
  return {
    title: "Verify",
    element: h("section", {}, [
      h("h1", {}, ["Verify in this browser"]),
      h("p", {}, [
        "Reads every input from Ethereum, processes it by the market's own code in this browser, ",
        "and compares all that the node tells with what comes of it. The node is trusted for ",
        "nothing; that this page and its view of Ethereum are true is up to the program that ",
        "serves it and the Ethereum endpoint it was given.",
      ]),
      h("div", { class: "tools" }, [go]),
      state,
      bar,
      facts,
      h("h2", {}, ["Proofs"]),
      h("p", {}, [h("label", { for: "bundle" }, ["A bundle that `deml proof` wrote: "]), bundle]),
      proofs,
    ]),
    async refresh() {
      hasTwin = (await market()).has_twin;
      if (verified.state === "holds") await verify();
      show();
    },
    leave: () => watchers.delete(show),
  };
}

function sentence(hasTwin: boolean): string {
  if (!hasTwin) return "Verifying in the browser was not built; `deml audit` does the same.";
  const { state, inputs, block, why } = verified;
  switch (state) {
    case "none":
      return "Nothing is verified yet: all that is shown is as the node tells it.";
    case "running":
      return `Block ${block} of ${verified.head}, ${inputs} inputs …`;
    case "holds":
      return `All holds, up to block ${block} and ${inputs} inputs.`;
    case "wrong":
      return `It does not hold: ${why}.`;
    default:
      return `It could not be verified: ${why}.`;
  }
}

function details(): HTMLElement {
  const { inputs, outputs, told, claims, template, isByInputBox, seconds } = verified;
  const rows: [string, string][] = [
    ["Genesis", template ? `is what the application was made of (${template})` : "taken as given: only the machine itself has the template's hash"],
    ["Inputs from Ethereum", `${inputs}, ${isByInputBox ? "each as the InputBox keeps its hash" : "compared with the InputBox by the program that serves this page"}`],
    ["Outputs made of them", String(outputs)],
    ["Outputs that the node tells", `${told} compared`],
    ["Claims on Ethereum", `${claims} compared`],
    ["Time", seconds > 0 ? `${seconds.toFixed(1)} s` : "-"],
  ];
  return table("What was checked", ["What", "Result"], rows);
}

async function prove(bundle: Uint8Array): Promise<Child[]> {
  try {
    if (verified.state !== "holds") await verify();
    const { chain_id, application } = await market();
    const question = { ask: "prove", chain_id, application, accepted };
    const proven = await consult<{ index: number; meaning: unknown }[]>(question, [bundle]);
    return [
      h("p", {}, [`${proven.length} outputs are proven under roots that Ethereum has accepted.`]),
      h("ul", { class: "events" }, proven.map(({ index, meaning }) =>
        h("li", {}, [`output ${index}: ${JSON.stringify(meaning)}`]),
      )),
    ];
  } catch (error) {
    return [h("p", {}, [(error as Error).message])];
  }
}
