// What this browser keeps of a submission: its bytes until the market has them, and the secrets of
// a sealed one until they are revealed.

interface Sealed {
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

/** The secrets of a model, made if there are none: a key seals one model only. */
export function sealOf(account: string, job: string, plain: { cid: string }): Sealed["seal"] {
  const known = seals(account, job);
  const found = known.find((one) => one.plain.cid === plain.cid);
  if (found) return found.seal;
  const seal = { key: random(), salt: random() };
  localStorage.setItem(place(account, job), JSON.stringify([...known, { plain, seal }]));
  return seal;
}

/** The accounts and jobs of all models that were sealed in this browser. */
export function allSealed(): { account: string; job: string }[] {
  const places = Object.keys(localStorage).map((key) => /^\/kept\/(\w+)\/(\w+)$/.exec(key));
  return places.flatMap((place) => (place?.[1] && place[2] ? [{ account: place[1], job: place[2] }] : []));
}

function random(): string {
  const bytes = [...crypto.getRandomValues(new Uint8Array(32))];
  return `0x${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
