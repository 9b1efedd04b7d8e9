// What this browser keeps of a submission or an opening: its bytes until the market has them, the
// secrets of what is sealed until they are revealed, and what was sent last.

export interface Sealed {
  plain: { cid: string };
  seal: { key: string; salt: string };
}

const CACHE = "deml-models";

const place = (account: string, job: string) => `/kept/${account.toLowerCase()}/${job}`;

/** Keeps a model's bytes, so that a submission goes on after a reload. */
export async function keep(account: string, job: string, name: string, bytes: Uint8Array) {
  const headers = { "x-name": encodeURIComponent(name) };
  const body = new Blob([bytes as Uint8Array<ArrayBuffer>]);
  await (await caches.open(CACHE)).put(place(account, job), new Response(body, { headers }));
}

/** The bytes that were kept. */
export async function find(account: string, job: string) {
  const found = await (await caches.open(CACHE)).match(place(account, job));
  if (!found) return null;
  const name = decodeURIComponent(found.headers.get("x-name") ?? "model.onnx");
  return { name, bytes: new Uint8Array(await found.arrayBuffer()) };
}

export async function forget(account: string, job: string): Promise<void> {
  await (await caches.open(CACHE)).delete(place(account, job));
}

/** The secrets of the models sealed for a job. */
export function seals(account: string, job: string): Sealed[] {
  return JSON.parse(localStorage.getItem(place(account, job)) ?? "[]") as Sealed[];
}

/** Keeps the secrets of what was sealed for a job. */
export function keepSeal(account: string, job: string, sealed: Sealed): void {
  const others = seals(account, job).filter((one) => one.plain.cid !== sealed.plain.cid);
  localStorage.setItem(place(account, job), JSON.stringify([...others, sealed]));
}

/** The secrets of a model, made if there are none: a key seals one model only. */
export function sealOf(account: string, job: string, plain: { cid: string }): Sealed["seal"] {
  const known = seals(account, job);
  const found = known.find((one) => one.plain.cid === plain.cid);
  if (found) return found.seal;
  const seal = { key: random(), salt: random() };
  keepSeal(account, job, { plain, seal });
  return seal;
}

/** The accounts and jobs of all models that were sealed in this browser. */
export function allSealed(): { account: string; job: string }[] {
  const places = Object.keys(localStorage).map((key) => /^\/kept\/(\w+)\/(\w+)$/.exec(key));
  return places.flatMap((place) => (place?.[1] && place[2] ? [{ account: place[1], job: place[2] }] : []));
}

/** A job whose opening was begun. */
export interface Opening {
  job: string;
  title: string;
  /** As the twin takes it. */
  begun: { terms: string; salt: string; seal: Sealed["seal"] | null; trainer: string | null };
  plain: Sealed["plain"];
  reveal: [string, string] | null;
  /** Whether the wallet was asked. */
  isSent: boolean;
}

const FILES = [0, 1, 2];

/** Keeps an opening with its files, so that it goes on after a reload. */
export async function keepOpening(account: string, opening: Opening, files: Uint8Array[]) {
  await forgetOpening(account);
  for (const [at, bytes] of files.entries()) await keep(account, `opening-${at}`, "", bytes);
  noteOpening(account, opening);
}

export function noteOpening(account: string, opening: Opening): void {
  localStorage.setItem(place(account, "opening"), JSON.stringify(opening));
}

export function findOpening(account: string): Opening | null {
  return JSON.parse(localStorage.getItem(place(account, "opening")) ?? "null") as Opening | null;
}

/** The files of an opening, in the order they were kept in. */
export async function filesOfOpening(account: string): Promise<Uint8Array[]> {
  const found = await Promise.all(FILES.map((at) => find(account, `opening-${at}`)));
  return found.flatMap((file) => (file ? [file.bytes] : []));
}

export async function forgetOpening(account: string): Promise<void> {
  localStorage.removeItem(place(account, "opening"));
  for (const at of FILES) await forget(account, `opening-${at}`);
}

/** What was sent and is not known to be done: its hash and what it does. */
export interface Sent {
  hash: string;
  what: string;
}

export function noteSent(account: string, sent: Sent | null): void {
  if (sent) localStorage.setItem(place(account, "sent"), JSON.stringify(sent));
  else localStorage.removeItem(place(account, "sent"));
}

export function findSent(account: string): Sent | null {
  return JSON.parse(localStorage.getItem(place(account, "sent")) ?? "null") as Sent | null;
}

export function random(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(32))];
  return `0x${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
