// A wallet on another device, through WalletConnect's relay. Nothing of this is loaded, and the
// policy of the page lets nothing of it out, unless whoever serves the page configured it.

import type SignClient from "@walletconnect/sign-client";
import { encode } from "uqr";

import type { Relay } from "./api";
import { button, fill, h, svg } from "./dom";
import type { Provider, Wallet } from "./wallet";

type Listener = (value: unknown) => void;
type Session = ReturnType<SignClient["session"]["getAll"]>[number];

/** What the relay's library would ask of other servers than the relay; it works without. */
const VERIFIER = "https://verify.walletconnect.org";
const METHODS = ["eth_sendTransaction"];
const EVENTS = ["accountsChanged", "chainChanged"];

/** The wallet to choose, and where its QR code is shown while it waits for the other device. */
export function walletConnect(relay: Relay, chainId: number, panel: HTMLElement): Wallet {
  const info = { uuid: "walletconnect", name: "WalletConnect", icon: "", rdns: "org.walletconnect" };
  return { info, provider: new RemoteProvider(relay, chainId, panel) };
}

class RemoteProvider implements Provider {
  private client: Promise<SignClient> | null = null;
  private session: Session | null = null;
  private chainId: number;
  private readonly listeners = new Map<string, Set<Listener>>();

  constructor(
    private readonly relay: Relay,
    private readonly marketChain: number,
    private readonly panel: HTMLElement,
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
    const client = await this.started();
    if (method === "eth_accounts") return this.resumed(client);
    if (method === "eth_requestAccounts") return this.paired(client);
    if (!this.session) throw new Error("the other device is not connected any more");
    const chainId = `eip155:${this.chainId}`;
    const request = { method, params: params ?? [] };
    return client.request({ topic: this.session.topic, chainId, request });
  }

  /** Ends the session, on the other device too. */
  async close(): Promise<void> {
    const topic = this.session?.topic;
    this.session = null;
    const reason = { code: 6000, message: "Disconnected" };
    if (topic) await (await this.started()).disconnect({ topic, reason });
  }

  private started(): Promise<SignClient> {
    this.client ??= this.start().catch((error) => {
      this.client = null;
      throw error;
    });
    return this.client;
  }

  private async start(): Promise<SignClient> {
    const ask = window.fetch.bind(window);
    window.fetch = (what, how) =>
      String(what).startsWith(VERIFIER) ? Promise.reject(new Error("not asked")) : ask(what, how);
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
    // It would load a page of the verifier, which the policy forbids, and wait for that.
    client.core.verify.register = async () => undefined;
    const isOurs = (topic: string) => topic === this.session?.topic;
    client.on("session_delete", ({ topic }) => isOurs(topic) && this.ended());
    client.on("session_expire", ({ topic }) => isOurs(topic) && this.ended());
    client.on("session_update", ({ topic }) => {
      if (!isOurs(topic)) return;
      this.session = client.session.get(topic);
      this.tell("accountsChanged", this.accounts());
    });
    client.on("session_event", ({ topic, params }) => {
      if (!isOurs(topic)) return;
      const { name, data } = params.event;
      if (name === "chainChanged") {
        this.chainId = Number(data);
        this.tell("chainChanged", data);
      } else if (name === "accountsChanged") {
        this.tell("accountsChanged", (data as string[]).map(withoutChain));
      }
    });
    return client;
  }

  /** The accounts of a session that an earlier page began. */
  private resumed(client: SignClient): string[] {
    this.session ??= client.session.getAll().at(-1) ?? null;
    return this.accounts();
  }

  /** Shows the code that the other device scans, and waits until it agrees. */
  private async paired(client: SignClient): Promise<string[]> {
    if (this.resumed(client).length > 0) return this.accounts();
    const chains = [`eip155:${this.marketChain}`];
    const { uri, approval } = await client.connect({
      optionalNamespaces: { eip155: { chains, methods: METHODS, events: EVENTS } },
    });
    let cancel = (_: Error): void => {};
    const cancelled = new Promise<never>((_, reject) => {
      cancel = reject;
    });
    this.show(uri ?? "", () => cancel(Object.assign(new Error("cancelled"), { code: 4001 })));
    try {
      this.session = await Promise.race([approval(), cancelled]);
    } finally {
      this.panel.hidden = true;
      fill(this.panel);
    }
    return this.accounts();
  }

  private show(uri: string, cancel: () => void): void {
    const address = h("input", { type: "text", readonly: true, value: uri, id: "pairing" });
    const copied = h("span", { role: "status" });
    const copy = async () => {
      address.select();
      await navigator.clipboard.writeText(uri);
      copied.textContent = "Copied.";
    };
    fill(
      this.panel,
      h("p", {}, ["Scan this with the wallet on your other device, and agree there."]),
      code(uri),
      h("label", { for: "pairing" }, ["Or paste this address there"]),
      address,
      button("Copy the address", () => copy().catch(() => {})),
      button("Cancel", cancel),
      copied,
    );
    this.panel.hidden = false;
    address.focus();
  }

  private accounts(): string[] {
    const accounts = this.session?.namespaces.eip155?.accounts ?? [];
    const here = accounts.filter((one) => one.startsWith(`eip155:${this.marketChain}:`));
    return here.map(withoutChain);
  }

  private ended(): void {
    this.session = null;
    this.tell("disconnect", undefined);
  }

  private tell(event: string, value: unknown): void {
    for (const listener of this.listeners.get(event) ?? []) listener(value);
  }
}

function withoutChain(account: string): string {
  return account.split(":").at(-1) ?? account;
}

/** A QR code as a picture. */
function code(text: string): SVGElement {
  const { size, data } = encode(text, { border: 2 });
  const dark = data.flatMap((row, y) =>
    row.flatMap((isDark, x) => (isDark ? [`M${x} ${y}h1v1h-1z`] : [])),
  );
  const label = { role: "img", "aria-label": "QR code of the address below" };
  return svg("svg", { viewBox: `0 0 ${size} ${size}`, class: "qr", ...label }, [
    svg("path", { d: dark.join("") }),
  ]);
}
