// The reader's wallet: all that announce themselves (EIP-6963), one on another device if that is
// configured, and the one chosen for everything.

import { market } from "./api";

/** A wallet as EIP-1193 describes it. */
export interface Provider {
  request(call: { method: string; params?: unknown[] }): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): void;
  removeListener?(event: string, listener: (value: unknown) => void): void;
  /** Ends what it has with another device. */
  close?(): Promise<void>;
}

export interface Wallet {
  info: { uuid: string; name: string; icon: string; rdns: string };
  provider: Provider;
}

/** The connected wallet. */
export interface Connection {
  wallet: Wallet;
  account: string;
  chainId: number;
}

const CHOSEN = "deml-wallet";

/** The reader's refusal: EIP-1193's code, and those of WalletConnect. */
const REFUSED = [4001, 5000, 5001, 5002, 5003];

/** WalletConnect's code for a session that a user has ended. */
export const USER_DISCONNECTED = 6000;

/** Of a question that the wallet may have answered nevertheless. */
const LOST = "the connection ended before the answer: look in the wallet whether it was sent";

export const found = new Map<string, Wallet>();
export let connection: Connection | null = null;

/** That a wallet ended the connection, until another begins. */
export let farewell = "";

const watchers = new Set<() => void>();

/** Calls back whenever the wallets, the account or the chain are others; ends when called. */
export function watch(changed: () => void): () => void {
  watchers.add(changed);
  return () => watchers.delete(changed);
}

function tell(): void {
  for (const changed of watchers) changed();
}

/** Looks for wallets, and connects to the one chosen before if it still allows that. */
export function discover(): void {
  addEventListener("eip6963:announceProvider", (event) => {
    offer((event as CustomEvent<Wallet>).detail);
  });
  dispatchEvent(new Event("eip6963:requestProvider"));
  // Without a market there is nothing to sign; the view says why.
  offerRemote().catch(() => {});
}

async function offerRemote(): Promise<void> {
  const { walletconnect: relay, chain_id } = await market();
  if (!relay) return;
  const { walletConnect } = await import("./walletconnect");
  offer(walletConnect(relay, chain_id));
}

function offer(wallet: Wallet): void {
  if (found.has(wallet.info.uuid)) return;
  found.set(wallet.info.uuid, wallet);
  tell();
  if (!connection && wallet.info.rdns === sessionStorage.getItem(CHOSEN)) {
    // Without permission it stays unconnected, and asks nothing.
    connectBy(wallet, "eth_accounts").catch(() => {});
  }
}

/** Connects to a wallet, which asks its owner. */
export async function connect(wallet: Wallet): Promise<void> {
  await connectBy(wallet, "eth_requestAccounts");
}

async function connectBy(wallet: Wallet, method: string): Promise<void> {
  const accounts = (await wallet.provider.request({ method })) as string[];
  const chainId = Number(await wallet.provider.request({ method: "eth_chainId" }));
  const [account] = accounts;
  if (!account) return;
  if (connection?.wallet !== wallet) disconnect();
  connection = { wallet, account, chainId };
  farewell = "";
  sessionStorage.setItem(CHOSEN, wallet.info.rdns);
  wallet.provider.on?.("accountsChanged", accountsChanged);
  wallet.provider.on?.("chainChanged", chainChanged);
  wallet.provider.on?.("disconnect", left);
  tell();
}

/** Forgets the wallet. */
export function disconnect(): void {
  const provider = connection?.wallet.provider;
  provider?.removeListener?.("accountsChanged", accountsChanged);
  provider?.removeListener?.("chainChanged", chainChanged);
  provider?.removeListener?.("disconnect", left);
  provider?.close?.().catch(() => {});
  connection = null;
  sessionStorage.removeItem(CHOSEN);
  tell();
}

function left(): void {
  farewell = connection ? `${connection.wallet.info.name} ended the connection.` : "";
  disconnect();
}

function accountsChanged(accounts: unknown): void {
  const [account] = accounts as string[];
  if (!connection) return;
  if (!account) disconnect();
  else connection = { ...connection, account };
  tell();
}

function chainChanged(chainId: unknown): void {
  if (connection) connection = { ...connection, chainId: Number(chainId) };
  tell();
}

/** Asks the wallet to go to a chain. */
export async function switchTo(chainId: number): Promise<void> {
  const params = [{ chainId: `0x${chainId.toString(16)}` }];
  await connection?.wallet.provider.request({ method: "wallet_switchEthereumChain", params });
}

/** Has a transaction signed and sent; returns its hash. */
export async function send(
  { wallet, account }: Connection,
  { to, value, data }: { to: string; value: string; data: string },
): Promise<string> {
  const params = [{ from: account, to, value, data }];
  return (await wallet.provider.request({ method: "eth_sendTransaction", params })) as string;
}

/** A wallet's error in words. */
export function explained(error: unknown): string {
  const { code, message } = error as { code?: number; message?: string };
  if (code && REFUSED.includes(code)) return "refused in the wallet: nothing was sent";
  if (code === 4902) return "the wallet does not know that chain: add it there first";
  if (code === -32002) return "the wallet has a question open: answer it there first";
  if (code === USER_DISCONNECTED) return LOST;
  return message ?? "the wallet does not say why it failed";
}
