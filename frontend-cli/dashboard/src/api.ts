// Questions to the program that serves the page; it alone asks Ethereum and the node.

export interface Scores {
  score: number;
  /** By the threshold's metric. */
  threshold_score: number;
}

/** The part of a job's terms that scores depend on. */
export interface Offer {
  metric: string;
  output: string;
  threshold: { metric: string; min_score: number };
}

/** A refusal in the words of the commands. */
export interface Refusal {
  heading: string;
  sentence: string;
}

export interface JobFile {
  file: string;
  what: string;
  cid: string;
  bytes: number | null;
  is_dataset: boolean;
}

export interface Words {
  title: string;
  kind: string;
  wants: string;
  pays: string;
  costs: string;
  closes: string;
}

export interface Job {
  job: string;
  number: number;
  sponsor: string;
  stage: string;
  base: Scores | null;
  submitted: number;
  opened: number;
  windows: { close: number; reveal_until: number };
  words: Words;
}

export interface Rank {
  rank: number | null;
  submission: number;
  client: string;
  scores: Scores | null;
  refusal: Refusal | null;
}

export interface Submission {
  submission: number;
  client: string;
  state: string;
  scores: Scores | null;
  refusal: Refusal | null;
  model: { cid: string } | null;
}

export interface BoardLine {
  rank: number;
  submission: number;
  client: string;
  score: number;
}

export interface JobDetail extends Job {
  terms: { offer: Offer };
  hold_out: { cid: string } | null;
  terms_in_words: { name: string; text: string }[];
  dates: { name: string; at: number; words: string }[];
  now: number;
  ranking: Rank[];
  board: BoardLine[];
  submission_list: Submission[];
}

export interface Event {
  event: string;
  words: string;
  output: number;
  input: number;
  time: number;
  job?: string;
  submission?: number;
  client?: string;
  base?: Scores;
  verdict?: { accepted: boolean; scores: Scores | null; reason: string };
  board?: { score: number | null; reason: string };
}

export interface Events {
  next: number;
  is_all: boolean;
  events: Event[];
}

export interface Market {
  application: string;
  chain_id: number;
  token: { address: string; symbol: string } | null;
  /** Whether models can be scored, and the market verified, in this browser. */
  has_twin: boolean;
  /** The relay of WalletConnect, if one is configured. */
  walletconnect: Relay | null;
}

/** A relay through which wallets on other devices are reached. */
export interface Relay {
  project_id: string;
  url: string;
}

export interface Status {
  processed_inputs: number;
  now: number;
  head: [number, string];
  is_reorganised: boolean;
}

export interface Account {
  balances: { asset: string; symbol: string; wallet: string; free: string }[];
  vouchers: { index: number; state: string }[];
  vouchers_in_words: string[];
}

export interface Transaction {
  what: string;
  to: string;
  value: string;
  data: string;
}

export type Outcome =
  | { state: "pending" | "failed" | "done" }
  | { state: "sent"; input: number }
  | { state: "refused"; why: Refusal };

/** Why there is no answer. */
export class Unanswered extends Error {
  constructor(
    /** `page`: the program is gone; `market`: Ethereum or the node is; `refused`: by a rule. */
    readonly by: "page" | "market" | "refused",
    message: string,
  ) {
    super(message);
  }
}

/** The answer to a question, which is the path after `/api/`. */
export async function ask<T>(question: string): Promise<T> {
  const response = await get(question);
  const answer = await response.json().catch(() => null);
  if (response.ok && answer !== null) return answer as T;
  throw unanswered(response, answer);
}

/** The answer in bytes, as the twin needs it. */
export async function askBytes(question: string): Promise<Uint8Array> {
  const response = await get(question);
  if (response.ok) return new Uint8Array(await response.arrayBuffer());
  throw unanswered(response, await response.json().catch(() => null));
}

async function get(question: string): Promise<Response> {
  try {
    return await fetch(`/api/${question}`, { signal: AbortSignal.timeout(60_000) });
  } catch {
    throw new Unanswered("page", "deml dashboard does not answer: start it again");
  }
}

function unanswered(response: Response, answer: unknown): Unanswered {
  const said = (answer as { error?: string } | null)?.error ?? `it answers ${response.status}`;
  return new Unanswered(response.status >= 500 ? "market" : "refused", said);
}

let known: Promise<Market> | null = null;

/** The market, asked for once. */
export function market(): Promise<Market> {
  known ??= ask<Market>("market").catch((error) => {
    known = null;
    throw error;
  });
  return known;
}
