// What this browser keeps of an account's messages: the secrets of its keys, the texts it has sent
// and whom it blocks; encrypted with a passphrase, and nowhere else in the clear than in memory.

export interface Secrets {
  /** Secrets of the account's keys, the newest first. */
  secrets: string[];
  /** Texts that were sent, by the digests of their ciphertexts. */
  sent: { [digest: string]: string };
  /** Accounts whose messages are not shown, in lower case. */
  blocked: string[];
}

/** The form in which they are kept and exported. */
interface Locked {
  version: 1;
  account: string;
  iterations: number;
  salt: string;
  iv: string;
  data: string;
}

export interface Vault {
  open: Secrets;
  /** Encrypts and keeps what is open now. */
  save(): Promise<void>;
}

/** Guesses of a passphrase are this much work each. */
const ITERATIONS = 600_000;
const ITERATIONS_MAX = 10_000_000;

export const PASSPHRASE_MIN = 12;

const bytesOf = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** Thirty-two random bytes. */
export function randomWord(): string {
  return `0x${[...random(32)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

const placeOf = (chain: number, app: string, account: string) =>
  `deml-messages/${chain}/${app.toLowerCase()}/${account.toLowerCase()}`;

/** The secrets of an account in a market, as this browser keeps them. */
export function secretsOf(chain: number, app: string, account: string) {
  const place = placeOf(chain, app, account);
  const kept = () => localStorage.getItem(place);
  const opened = (open: Secrets, key: CryptoKey, salt: Uint8Array, iterations: number): Vault => ({
    open,
    async save() {
      const iv = random(12);
      const plain = new TextEncoder().encode(JSON.stringify(open));
      const data = new Uint8Array(await crypto.subtle.encrypt(boundTo(iv, place), key, plain));
      const locked: Locked = {
        version: 1,
        account,
        iterations,
        salt: base64(salt),
        iv: base64(iv),
        data: base64(data),
      };
      localStorage.setItem(place, JSON.stringify(locked));
    },
  });
  return {
    kept,
    /** New ones, with one secret. */
    async make(passphrase: string): Promise<Vault> {
      const salt = random(16);
      const key = await derived(passphrase, salt, ITERATIONS);
      const open = { secrets: [randomWord()], sent: {}, blocked: [] };
      const vault = opened(open, key, salt, ITERATIONS);
      await vault.save();
      return vault;
    },
    /** Those that are kept; throws if the passphrase is another. */
    async unlock(passphrase: string): Promise<Vault> {
      const { iterations, salt, iv, data } = read(kept() ?? "");
      const key = await derived(passphrase, bytesOf(salt), iterations);
      const plain = await crypto.subtle
        .decrypt(boundTo(bytesOf(iv), place), key, bytesOf(data))
        .catch(() => {
          throw new Error("that is not the passphrase, or the file is of another account or market");
        });
      const open = JSON.parse(new TextDecoder().decode(plain)) as Secrets;
      return opened(open, key, bytesOf(salt), iterations);
    },
    /** Keeps what was exported elsewhere; it is still locked. */
    take(text: string): void {
      read(text);
      localStorage.setItem(place, text);
    },
  };
}

function read(text: string): Locked {
  let locked: Locked | null = null;
  try {
    locked = JSON.parse(text) as Locked;
  } catch {}
  const isOne =
    locked?.version === 1 &&
    [locked.salt, locked.iv, locked.data].every((part) => typeof part === "string") &&
    Number.isInteger(locked.iterations) &&
    locked.iterations > 0 &&
    locked.iterations <= ITERATIONS_MAX;
  if (!locked || !isOne) throw new Error("that is not a file of keys for messages");
  return locked;
}

function base64(bytes: Uint8Array): string {
  // In pieces: a call takes only so many arguments.
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) {
    text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  }
  return btoa(text);
}

const boundTo = (iv: Uint8Array, place: string) => ({
  name: "AES-GCM",
  iv: iv as Uint8Array<ArrayBuffer>,
  additionalData: new TextEncoder().encode(place),
});

async function derived(passphrase: string, salt: Uint8Array, iterations: number) {
  const text = new TextEncoder().encode(passphrase.normalize("NFKC"));
  const material = await crypto.subtle.importKey("raw", text, "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: salt as Uint8Array<ArrayBuffer>, iterations };
  const to = { name: "AES-GCM", length: 256 };
  return crypto.subtle.deriveKey(how, material, to, false, ["encrypt", "decrypt"]);
}
