// Uses a market's page with a wallet on another device, through a relay of WalletConnect: here a
// program that signs through anvil. Asks on standard output for what is to happen outside of the
// browser, and goes on with the next line of standard input.
//
//   node walletconnect.mjs CHROMIUM ETHEREUM ACCOUNT FOLDER
//
// Its first question is the relay's address, the answer that of a page which uses it.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";

import { SignClient } from "@walletconnect/sign-client";

import { inspect, open } from "./browser.mjs";
import { startRelay } from "./relay.mjs";
import { rpc } from "./wallet.mjs";

const [chromium, ethereum, account, pictures] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function outside(what) {
  console.log(what);
  return (await lines.next()).value;
}

const PROJECT = "0123456789abcdef0123456789abcdef";
const CHAIN = "eip155:31337";

/** The wallet on the other device; it agrees to everything unless it is told to refuse. */
async function startWallet(relayUrl) {
  const metadata = { name: "Phone", description: "", url: "https://wallet.example", icons: [] };
  const core = { projectId: PROJECT, relayUrl, telemetryEnabled: false, logger: "silent" };
  const storageOptions = { database: ":memory:" };
  const client = await SignClient.init({ ...core, metadata, storageOptions });
  const wallet = { client, refuses: false, asked: [], session: null };
  client.on("session_proposal", async ({ id, params }) => {
    wallet.proposed = params.optionalNamespaces;
    const { methods, events } = params.optionalNamespaces.eip155;
    const eip155 = { chains: [CHAIN], accounts: [`${CHAIN}:${account}`], methods, events };
    const { acknowledged } = await client.approve({ id, namespaces: { eip155 } });
    wallet.session = await acknowledged();
  });
  client.on("session_request", async ({ topic, id, params }) => {
    const { method, params: given } = params.request;
    wallet.asked.push(method);
    const refused = { error: { code: 4001, message: "User rejected." } };
    const told = wallet.refuses ? refused : { result: await rpc(ethereum, method, given) };
    await client.respond({ topic, response: { id, jsonrpc: "2.0", ...told } });
  });
  return wallet;
}

const relay = await startRelay();
const url = await outside(relay);
const wallet = await startWallet(relay);
const { browser, page, wrongs } = await open(chromium, url);
const button = (name) => page.getByRole("button", { name, exact: true });
const connected = page.locator(".connected", { hasText: "WalletConnect" });
const done = (text) => page.locator('.activity li[data-state="done"]', { hasText: text });

async function nothingIsAskedOfTheRelayBeforeItIsChosen() {
  const loaded = [];
  page.on("response", (response) => loaded.push(response.url()));
  await page.goto(`${url}/#/account`);
  await button("Connect WalletConnect").waitFor();
  const policy = (await page.request.get(url)).headers()["content-security-policy"];
  assert.match(policy, new RegExp(`connect-src 'self' ${relay};`));
  assert(loaded.length > 0 && !loaded.some((one) => /\/dist-/.test(one)), "not loaded yet");
}

async function aWalletThatIsWaitedForCanBeGivenUp() {
  await button("Connect WalletConnect").click();
  await page.getByRole("img", { name: "QR code of the address below" }).waitFor();
  await inspect(page, pictures, "pairing");
  await button("Cancel").click();
  await page.locator("#warning", { hasText: "nothing was sent" }).waitFor();
  assert(await page.getByLabel("Or paste this address there").isHidden());
}

async function theOtherDeviceAgreesAndSigns() {
  await button("Connect WalletConnect").click();
  const uri = await page.getByLabel("Or paste this address there").inputValue();
  assert.match(uri, /^wc:[0-9a-f]{64}@2\?/);
  await wallet.client.core.pairing.pair({ uri });
  await connected.waitFor();
  assert.deepEqual(wallet.proposed.eip155.chains, [CHAIN]);
  await page.getByText(account, { exact: false }).first().waitFor();
  await page.getByLabel("Deposit: amount").fill("1.5");
  await button("Deposit").click();
  await done("deposit 1.5 ether").waitFor();
  await page.getByRole("cell", { name: /^1\.5/ }).waitFor();
  assert.deepEqual(wallet.asked, ["eth_sendTransaction"]);
}

async function aRefusalOnTheOtherDeviceIsTold() {
  wallet.refuses = true;
  await page.getByLabel("Deposit: amount").fill("1");
  await button("Deposit").click();
  await page.getByText("refused in the wallet: nothing was sent").first().waitFor();
  wallet.refuses = false;
}

async function theSessionOutlivesAReload() {
  await page.reload();
  await connected.waitFor();
  await page.getByLabel("Deposit: amount").fill("0.25");
  await button("Deposit").click();
  await done("deposit 0.25 ether").waitFor();
}

async function aWalletOfAnotherChainIsToldAndTheEndToo() {
  const { topic } = wallet.session;
  const emit = (name, data) => wallet.client.emit({ topic, chainId: CHAIN, event: { name, data } });
  await emit("chainChanged", 1);
  await page.locator("#warning", { hasText: "Wrong chain: WalletConnect is on chain 1" }).waitFor();
  await emit("chainChanged", 31_337);
  await page.locator("#warning").waitFor({ state: "hidden" });
  await wallet.client.disconnect({ topic, reason: { code: 6000, message: "Bye." } });
  await button("Connect WalletConnect").waitFor();
}

for (const step of [
  nothingIsAskedOfTheRelayBeforeItIsChosen,
  aWalletThatIsWaitedForCanBeGivenUp,
  theOtherDeviceAgreesAndSigns,
  aRefusalOnTheOtherDeviceIsTold,
  theSessionOutlivesAReload,
  aWalletOfAnotherChainIsToldAndTheEndToo,
]) {
  try {
    await step();
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
