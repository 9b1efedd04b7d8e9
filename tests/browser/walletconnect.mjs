// Uses a market's page with a wallet on another device, through a relay of WalletConnect: here a
// program that signs through anvil. Asks on standard output for what is to happen outside of the
// browser, and goes on with the next line of standard input.
//
//   node walletconnect.mjs CHROMIUM ETHEREUM ACCOUNT OTHER-ACCOUNT FOLDER
//
// Its first question is the relay's address, the answer that of a page which uses it.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";

import { SignClient } from "@walletconnect/sign-client";

import { inspect, open } from "./browser.mjs";
import { startRelay } from "./relay.mjs";
import { rpc } from "./wallet.mjs";

const [chromium, ethereum, account, otherAccount, pictures] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function outside(what) {
  console.log(what);
  return (await lines.next()).value;
}

const PROJECT = "0123456789abcdef0123456789abcdef";
const CHAIN = "eip155:31337";

/** What wallets answer when their owner refuses. */
const REFUSAL = { code: 5000, message: "User rejected." };

/** The wallet on the other device; it agrees to everything unless it is told otherwise. */
async function startWallet(relayUrl) {
  const metadata = { name: "Phone", description: "", url: "https://wallet.example", icons: [] };
  const core = { projectId: PROJECT, relayUrl, telemetryEnabled: false, logger: "silent" };
  const storageOptions = { database: ":memory:" };
  const client = await SignClient.init({ ...core, metadata, storageOptions });
  const wallet = { client, chain: CHAIN, refuses: false, waits: null, asked: [], session: null };
  client.on("session_proposal", async ({ id, params }) => {
    wallet.proposed = params.optionalNamespaces;
    if (wallet.refuses) return client.reject({ id, reason: REFUSAL });
    const { methods, events } = params.optionalNamespaces.eip155;
    const { chain } = wallet;
    const eip155 = { chains: [chain], accounts: [`${chain}:${account}`], methods, events };
    const { acknowledged } = await client.approve({ id, namespaces: { eip155 } });
    wallet.session = await acknowledged();
  });
  client.on("session_request", async ({ topic, id, params }) => {
    const { method, params: given } = params.request;
    wallet.asked.push(method);
    if (wallet.waits) return wallet.waits();
    const agreed = async () => ({ result: await rpc(ethereum, method, given) });
    const told = wallet.refuses ? { error: REFUSAL } : await agreed();
    await client.respond({ topic, response: { id, jsonrpc: "2.0", ...told } });
  });
  return wallet;
}

const relay = await startRelay();
const url = await outside(relay.url);
const { browser, page, wrongs } = await open(chromium, url);
page.on("websocket", (socket) => {
  if (!socket.url().startsWith(`${relay.url}/`)) wrongs.push(`connects to ${socket.url()}`);
});
const button = (name) => page.getByRole("button", { name, exact: true });
const dialog = page.getByRole("dialog", { name: "WalletConnect" });
const address = page.getByLabel("Or paste this address there");
const warning = (text) => page.locator("#warning", { hasText: text });
const connected = page.locator(".connected", { hasText: "WalletConnect" });
const done = (text) => page.locator('.activity li[data-state="done"]', { hasText: text });

async function nothingIsAskedOfTheRelayBeforeItIsChosen() {
  const loaded = [];
  page.on("response", (response) => loaded.push(response.url()));
  await page.goto(`${url}/#/account`);
  await button("Connect WalletConnect").waitFor();
  const policy = (await page.request.get(url)).headers()["content-security-policy"];
  assert.match(policy, new RegExp(`connect-src 'self' ${relay.url};`));
  const before = loaded.length;
  assert.equal(relay.visits, 0);
  await button("Connect WalletConnect").click();
  await address.waitFor();
  assert.equal(relay.visits, 1);
  const code = loaded.slice(before).filter((one) => one.endsWith(".js"));
  assert(code.length > 0, "the library was loaded before it was chosen");
}

async function aWalletThatIsWaitedForCanBeGivenUp() {
  await page.getByRole("img", { name: "QR code of the address below" }).waitFor();
  assert(await address.evaluate((element) => element === document.activeElement));
  await inspect(page, pictures, "pairing");
  await button("Cancel").click();
  await warning("nothing was sent").waitFor();
  await dialog.waitFor({ state: "detached" });
  const focused = page.locator("button:focus", { hasText: "Connect WalletConnect" });
  await focused.waitFor();
  await page.keyboard.press("Enter");
  await address.waitFor();
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "detached" });
  await focused.waitFor();
}

/** Lets the other device scan what the page shows. */
async function pair() {
  await button("Connect WalletConnect").click();
  const uri = await address.inputValue();
  assert.match(uri, /^wc:[0-9a-f]{64}@2\?/);
  await wallet.client.core.pairing.pair({ uri });
}

async function aDeviceThatRefusesOrIsOfAnotherChainIsNotConnected() {
  wallet.refuses = true;
  await pair();
  await warning("refused in the wallet: nothing was sent").waitFor();
  wallet.refuses = false;
  wallet.chain = "eip155:1";
  await pair();
  await warning("the wallet does not know that chain").waitFor();
  await button("Connect WalletConnect").waitFor();
  wallet.chain = CHAIN;
}

async function theOtherDeviceAgreesAndSigns() {
  await pair();
  await connected.waitFor();
  assert.deepEqual(wallet.proposed.eip155.chains, [CHAIN]);
  await page.getByText(account, { exact: false }).first().waitFor();
  await deposit("1.5");
  await done("deposit 1.5 ether").waitFor();
  await page.getByRole("cell", { name: /^1\.5/ }).waitFor();
  assert.deepEqual(wallet.asked, ["eth_sendTransaction"]);
}

async function deposit(amount) {
  await page.getByLabel("Deposit: amount").fill(amount);
  await button("Deposit").click();
}

async function aRefusalOnTheOtherDeviceIsTold() {
  wallet.refuses = true;
  await deposit("1");
  const refused = page.locator('.activity li[data-state="refused"]');
  await refused.filter({ hasText: "refused in the wallet: nothing was sent" }).waitFor();
  wallet.refuses = false;
}

async function theSessionOutlivesAReload() {
  await page.reload();
  await connected.waitFor();
  await deposit("0.25");
  await done("deposit 0.25 ether").waitFor();
}

async function anotherAccountOrChainIsToldAndTheEndToo() {
  const { topic } = wallet.session;
  const emit = (name, data) => wallet.client.emit({ topic, chainId: CHAIN, event: { name, data } });
  await emit("accountsChanged", [otherAccount]);
  await connected.filter({ hasText: otherAccount }).waitFor();
  await emit("accountsChanged", [`eip155:1:${otherAccount}`, `${CHAIN}:${account}`]);
  await connected.filter({ hasText: account }).waitFor();
  await emit("chainChanged", 1);
  await warning("Wrong chain: WalletConnect is on chain 1").waitFor();
  assert(await button("Deposit").isDisabled());
  await button("Switch the wallet").click();
  await page.locator("#warning").waitFor({ state: "hidden" });
  // It ends while it is asked for a transaction.
  const reason = { code: 6000, message: "User disconnected." };
  wallet.waits = () => wallet.client.disconnect({ topic, reason });
  await deposit("2");
  await warning("WalletConnect ended the connection").waitFor();
  await page.getByText("look in the wallet whether it was sent").waitFor();
  await button("Connect WalletConnect").waitFor();
  wallet.waits = null;
}

/** After which it is not connected by a reload. */
async function itConnectsAnewAndIsLeft() {
  await pair();
  await connected.waitFor();
  const left = new Promise((deleted) => wallet.client.once("session_delete", deleted));
  await button("Disconnect").click();
  await button("Connect WalletConnect").waitFor();
  await left;
  await page.reload();
  await button("Connect WalletConnect").waitFor();
}

let wallet;
for (const step of [
  nothingIsAskedOfTheRelayBeforeItIsChosen,
  aWalletThatIsWaitedForCanBeGivenUp,
  aDeviceThatRefusesOrIsOfAnotherChainIsNotConnected,
  theOtherDeviceAgreesAndSigns,
  aRefusalOnTheOtherDeviceIsTold,
  theSessionOutlivesAReload,
  anotherAccountOrChainIsToldAndTheEndToo,
  itConnectsAnewAndIsLeft,
]) {
  try {
    await step();
    // Not before the page was seen to reach the relay by itself, and only when it should.
    wallet ??= await startWallet(relay.url);
  } catch (error) {
    await page.screenshot({ path: `${pictures}/failed.png`, fullPage: true });
    console.error(`${step.name}: ${error.stack}`);
    process.exit(1);
  }
}
assert.deepEqual(wrongs, []);
await browser.close();
console.log("seen");
process.exit(0);
