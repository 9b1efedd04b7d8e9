// Questions to the market's own code in this browser.

import { Unanswered } from "./api";

type Answer<T> = { ok: T } | { error: string; refused?: string };
type Reply = { id: number; answer?: string; failure?: string };

let worker: Worker | null = null;
let asked = 0;
const waiting = new Map<number, (reply: Reply) => void>();

function start(): Worker {
  const started = new Worker(new URL("./twin-worker.ts", import.meta.url), { type: "module" });
  started.addEventListener("message", ({ data }: MessageEvent<Reply>) => {
    waiting.get(data.id)?.(data);
    waiting.delete(data.id);
  });
  return started;
}

/** The answer to a question about some files. */
export async function consult<T>(question: object, files: Uint8Array[] = []): Promise<T> {
  worker ??= start();
  const id = asked++;
  const replied = new Promise<Reply>((resolve) => waiting.set(id, resolve));
  worker.postMessage({ id, question, files });
  const { answer, failure } = await replied;
  if (answer === undefined) {
    throw new Unanswered("page", `the market's code failed in this browser: ${failure}`);
  }
  const said = JSON.parse(answer) as Answer<T>;
  if ("ok" in said) return said.ok;
  throw new Unanswered("refused", said.error);
}
