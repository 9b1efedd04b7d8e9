// A wallet on another device, through WalletConnect's relay. Nothing of this is loaded, and the
// policy of the page lets nothing of it out, unless whoever serves the page configured it.

import type SignClient from "@walletconnect/sign-client";

import type { Relay } from "./api";
import type { Waiting } from "./pairing";
import { type Provider, USER_DISCONNECTED, type Wallet } from "./wallet";

type Listener = (value: unknown) => void;
type Session = ReturnType<SignClient["session"]["getAll"]>[number];

const METHODS = ["eth_sendTransaction"];
const EVENTS = ["accountsChanged", "chainChanged"];

const UNANSWERED =
  "The relay does not answer: the network may be down, or the relay refuse the project's id or " +
  "this page's address.";

const DISCONNECTED = { code: USER_DISCONNECTED, message: "User disconnected." };

/** The wallet to choose; it is waited for in a dialog. */
export function walletConnect(relay: Relay, chainId: number): Wallet {
  const names = { uuid: "walletconnect", name: "WalletConnect", rdns: "org.walletconnect" };
  return { info: { ...names, icon: "" }, provider: new RemoteProvider(relay, chainId) };
}

class RemoteProvider implements Provider {
  private client: Promise<SignClient> | null = null;
  private session: Session | null = null;
  /** Aborted once the session has ended. */
  private ending = new AbortController();
  private chainId: number;
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(
    private readonly relay: Relay,
    private readonly marketChain: number,
  ) {
    this.chainId = marketChain;
  }

  on(event: string, listener: Listener): void {
    const of = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, of.add(listener));
  }

  removeListener(event: string, listener: Listener): void {
    this.listeners.get(event)?.delete(listener);
  }

  async request({ method, params }: { method: string; params?: unknown[] }): Promise<unknown> {
    if (method === "eth_chainId") return `0x${this.chainId.toString(16)}`;
    if (method === "wallet_switchEthereumChain") return this.goBack();
    if (method === "eth_accounts") return this.resumed(await this.started());
    if (method === "eth_requestAccounts") return this.paired();
    const client = await this.started();
    if (!this.session) throw new Error("the other device is not connected any more");
    const { topic } = this.session;
    const chainId = `eip155:${this.chainId}`;
    const asked = client.request({ topic, chainId, request: { method, params: params ?? [] } });
    return Promise.race([asked.catch(unanswered), ended(this.ending.signal)]);
  }

  /** Ends the session, on the other device too. */
  async close(): Promise<void> {
    const session = this.session;
    this.forget();
    if (session) await leave(await this.started(), session);
  }

  private started(): Promise<SignClient> {
    this.client ??= this.start().catch((error) => {
      this.client = null;
      throw error;
    });
    return this.client;
  }

  private async start(): Promise<SignClient> {
    const { SignClient } = await import("@walletconnect/sign-client");
    const client = await SignClient.init({
      projectId: this.relay.project_id,
      relayUrl: this.relay.url,
      telemetryEnabled: false,
      logger: "silent",
      metadata: {
        name: "DeML",
        description: "A market for better models",
        url: location.origin,
        icons: [],
      },
    });
    // They would ask a third party about this page's address, which the policy forbids.
    client.core.verify.register = async () => undefined;
    client.core.verify.resolve = () => Promise.reject(new Error("not asked"));
    const isOurs = (topic: string) => topic === this.session?.topic;
    client.on("session_delete", ({ topic }) => isOurs(topic) && this.left());
    client.on("session_expire", ({ topic }) => isOurs(topic) && this.left());
    client.on("session_update", ({ topic }) => {
      if (!isOurs(topic)) return;
      this.session = client.session.get(topic);
      this.tell("accountsChanged", this.accounts());
    });
    client.on("session_event", ({ topic, params }) => {
      if (!isOurs(topic)) return;
      const { name, data } = params.event;
      if (name === "chainChanged") this.setChain(Number(withoutChain(String(data))));
      if (name === "accountsChanged") this.tell("accountsChanged", this.ofMarket(data as string[]));
    });
    return client;
  }

  /** The accounts of a session that an earlier page began. */
  private resumed(client: SignClient): string[] {
    const isUsable = (one: Session) => this.ofMarket(accountsOf(one)).length > 0;
    if (!this.session) this.begin(client.session.getAll().filter(isUsable).at(-1) ?? null);
    return this.accounts();
  }

  /** Shows the code that the other device scans, and waits until it agrees. */
  private async paired(): Promise<string[]> {
    // Chosen already, so that its code is needed.
    const { waitForDevice } = await import("./pairing");
    const waiting = waitForDevice(UNANSWERED);
    const isOver = new AbortController();
    try {
      return await Promise.race([this.pair(waiting, isOver.signal), waiting.givenUp]);
    } finally {
      isOver.abort();
      waiting.end();
    }
  }

  private async pair(waiting: Waiting, isOver: AbortSignal): Promise<string[]> {
    const client = await this.started();
    if (isOver.aborted || this.resumed(client).length > 0) return this.accounts();
    const chains = [`eip155:${this.marketChain}`];
    const optionalNamespaces = { eip155: { chains, methods: METHODS, events: EVENTS } };
    const { uri = "", approval } = await client.connect({ optionalNamespaces }).catch(() => {
      throw new Error(UNANSWERED);
    });
    const topic = uri.slice("wc:".length, uri.indexOf("@"));
    const drop = () => client.core.pairing.disconnect({ topic }).catch(() => {});
    if (isOver.aborted) drop();
    else isOver.addEventListener("abort", drop);
    waiting.show(uri);
    const session = await approval();
    isOver.removeEventListener("abort", drop);
    // Whoever gave up is not connected by a device that agrees late.
    if (isOver.aborted) await leave(client, session);
    else if (this.ofMarket(accountsOf(session)).length > 0) this.begin(session);
    else {
      await leave(client, session);
      throw Object.assign(new Error("another chain"), { code: 4902 });
    }
    return this.accounts();
  }

  /** Every request names its chain, so that the market's needs no consent but the session's. */
  private goBack(): null {
    this.setChain(this.marketChain);
    return null;
  }

  private setChain(chainId: number): void {
    this.chainId = chainId;
    this.tell("chainChanged", chainId);
  }

  private accounts(): string[] {
    return this.session ? this.ofMarket(accountsOf(this.session)) : [];
  }

  /** Those of the market's chain, without its name. */
  private ofMarket(accounts: string[]): string[] {
    const chain = `eip155:${this.marketChain}:`;
    const here = accounts.filter((one) => !one.includes(":") || one.startsWith(chain));
    return here.map(withoutChain);
  }

  private begin(session: Session | null): void {
    this.session = session;
    this.chainId = this.marketChain;
    this.ending = new AbortController();
  }

  private forget(): void {
    this.session = null;
    this.ending.abort();
  }

  private left(): void {
    this.forget();
    this.tell("disconnect", undefined);
  }

  private tell(event: string, value: unknown): void {
    for (const listener of this.listeners.get(event) ?? []) listener(value);
  }
}

function accountsOf(session: Session): string[] {
  return session.namespaces.eip155?.accounts ?? [];
}

function withoutChain(name: string): string {
  return name.split(":").at(-1) ?? name;
}

async function leave(client: SignClient, { topic }: Session): Promise<void> {
  await client.disconnect({ topic, reason: DISCONNECTED });
}

/** Fails in the wallet's words, or in ours if it did not answer. */
function unanswered(error: { code?: number; message?: string }): never {
  if (typeof error.code === "number") throw error;
  throw new Error(`no answer: look in the wallet whether it was sent (${error.message})`);
}

/** Fails once the session has ended: its answer would never come. */
function ended(signal: AbortSignal): Promise<never> {
  const error = Object.assign(new Error(DISCONNECTED.message), DISCONNECTED);
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(error), { once: true });
  });
}
