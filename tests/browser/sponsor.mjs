// Opens, reveals, settles and cancels jobs on a market's page, as sponsors do. Asks on standard
// output, in one word, for what is to happen outside of the browser, and goes on with the next line
// of standard input.
//
//   node sponsor.mjs CHROMIUM URL ETHEREUM ACCOUNT FOLDER HEALTH DIGITS TABLE
//
// HEALTH and DIGITS are folders of fixtures; TABLE is a CSV file.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

import { inspect, open } from "./browser.mjs";
import { install, rpc } from "./wallet.mjs";

const [chromium, url, ethereum, account, pictures, health, digits, csv] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function outside(what) {
  console.log(what);
  await lines.next();
}

const { browser, page, wrongs } = await open(chromium, url);
const button = (name) => page.getByRole("button", { name, exact: true });
const see = (text) => page.getByText(text).first().waitFor();
const field = (label) => page.getByLabel(label, { exact: true });
const trouble = (text) => page.locator("#opening-trouble", { hasText: text }).waitFor();
const rehearse = () => button("Rehearse it in this browser").click();
const sent = () => page.evaluate(() => window.wallets.First.asked.filter((one) => one === "eth_sendTransaction").length);

async function connect() {
  await page.goto(`${url}/#/account`);
  await button("Connect First").click();
  await page.getByRole("table", { name: "Balances" }).waitFor();
  await page.getByRole("link", { name: "Open a job" }).click();
}

async function termsThatMakeNoSenseAreRefusedInWords() {
  await page.goto(`${url}/#/open`);
  await field("Title").fill("Heart");
  await field("Reward").fill("0.5");
  await field("Number of rewards").fill("2");
  await field("Metric").selectOption("accuracy");
  await see(/Chosen: Share of rows answered correctly/);
  await rehearse();
  await trouble("Choose the files of the base model and of the hold-out.");
  await field("Base model").setInputFiles(`${health}/sklearn-base.onnx`);
  await field("Hold-out").setInputFiles(csv);
  await rehearse();
  await trouble('"0.5" needs a unit: 0.5ether');
  await field("Reward").fill("0.5ether");
  await field("Close").fill("tomorrow");
  await rehearse();
  await trouble('"tomorrow" is not a deadline: write a duration like 2h');
  await field("Close").fill("2h");
  await rehearse();
  await trouble("become one with `deml data pack`");
  await field("Hold-out").setInputFiles(`${health}/holdout.safetensors`);
  await field("Minimum gain").fill("50%");
  await rehearse();
  await trouble("nobody can gain 50.000 % over a base model with 81.065 %");
  await field("Minimum gain").fill("5%");
  await field("Close").fill("2s");
  await rehearse();
  await trouble(/it would close at .* give it more than 15 s/);
  assert.equal(await sent(), 0, "the wallet is asked nothing");
  await inspect(page, pictures, "opening");
}

async function aJobIsRehearsedByKeyboardAndOpenedInParts() {
  const before = await rpc(ethereum, "eth_blockNumber");
  await field("Close").fill("2h");
  await button("Rehearse it in this browser").focus();
  await page.keyboard.press("Enter");
  const escrow = page.getByRole("table", { name: "To escrow" });
  assert.match(await escrow.textContent(), /award1 ether.*work.*rent.*total1\.\d+ ether/);
  const facts = await page.getByRole("table", { name: "Computed in this browser" }).textContent();
  assert.match(facts, /81\.065 %.*about \d+ \(0[.0-9]* ether at today's price\)/);
  await see("models can be trained on the very rows that decide");
  assert.equal(await rpc(ethereum, "eth_blockNumber"), before, "nothing was sent");
  // The wallet is connected where the form is, which stays.
  await button("Connect First").click();
  await button("Open the job").waitFor();
  await inspect(page, pictures, "rehearsed");
  // The wallet is closed after the deposit.
  await page.evaluate(() => {
    const ask = window.askEthereum;
    let left = 1;
    window.askEthereum = async (method, params) => {
      if (method === "eth_sendTransaction" && left-- === 0) throw new Error("the wallet was closed");
      return ask(method, params);
    };
  });
  await button("Open the job").click();
  await page.locator('.activity li[data-state="refused"]', { hasText: "publish" }).waitFor();
  await page.reload();
  await connect();
  await see("The job Heart was begun and is not complete");
  await inspect(page, pictures, "begun");
  await button("Go on opening").click();
  await see(/Job 0 is open/);
  await page.getByRole("link", { name: "Heart" }).click();
  await page.getByRole("heading", { name: "0: Heart" }).waitFor();
  // The file is asked for where it was cut off, and the stake was paid once.
  await outside("client");
  await see("for each of 2 models, 1 left");
}

/** Fills in and rehearses a sealed job on digits. */
async function rehearseSealed() {
  await page.getByRole("link", { name: "Open a job" }).click();
  await field("Title").fill("Digits");
  await field("Award").selectOption("a prize for the best model");
  assert(await field("Reward").isHidden());
  await field("Prize").fill("1ether");
  await field("Close").fill("2h");
  await field("Base model").setInputFiles(`${digits}/torch-base.onnx`);
  await field("Hold-out").setInputFiles(`${digits}/holdout.safetensors`);
  await field("Public slice").setInputFiles(`${digits}/client-a.safetensors`);
  assert(await field("Reveal window").isHidden());
  await field("Sealed until the close").check();
  await field("Reveal window").waitFor();
  await field("Reveal window").fill("2h");
  await rehearse();
  await see(/without it you lose the bond of 0\.25 ether/);
}

async function aSealedJobIsOpenedRevealedAndSettled() {
  await rehearseSealed();
  assert(await button("Open the job").isDisabled(), "the key is saved first");
  await inspect(page, pictures, "key");
  const download = page.waitForEvent("download");
  await button("Save the key").click();
  const key = await (await download).path();
  assert.match(await readFile(key, "utf8"), /"the key of a sealed hold-out"/);
  await button("Open the job").click();
  await see(/Job 1 is open/);
  await page.getByRole("link", { name: "Digits" }).click();
  await see(/The hold-out's key is taken from .* come back in 1 h 5\d min/);
  // Another browser has the key from the file alone.
  await page.evaluate(() => localStorage.clear());
  await outside("sealed-client");
  await see("it is not in this browser");
  await field("The key's file").setInputFiles({ name: "no.json", mimeType: "application/json", buffer: Buffer.from("{}") });
  await see("This is not the file with the key of this job's hold-out");
  await field("The key's file").setInputFiles(key);
  await see(/The hold-out's key is taken until .*about \d+ /);
  await inspect(page, pictures, "duties");
  await button("Reveal the hold-out").click();
  await page.locator('.activity li[data-state="done"]', { hasText: "reveal the hold-out" }).waitFor();
  // Each step of settling is a transaction, and shows before the next.
  const steps = page.locator(".activity li", { hasText: "settle the job: done" });
  const isSettled = () => page.locator('h1 .badge[data-stage="settled"]').count();
  for (let done = 1; done <= 6 && !(await isSettled()); done++) {
    await page.locator("#duties").getByRole("button", { name: "Settle", exact: true }).click();
    await steps.nth(done - 1).waitFor();
    // Keys are taken until the end of their window, whoever has revealed; then models are scored.
    await outside(["window", "evaluate"][done - 1] ?? "shown");
  }
  await page.locator('h1 .badge[data-stage="settled"]').waitFor();
  await page.getByRole("heading", { name: "Your job" }).waitFor({ state: "hidden" });
  await inspect(page, pictures, "settled");
}

async function aJobThatNobodySubmittedToIsCancelled() {
  await page.getByRole("link", { name: "Open a job" }).click();
  await field("Title").fill("Mistake");
  await field("Reward").fill("0.25ether");
  await field("Close").fill("2h");
  await field("Base model").setInputFiles(`${health}/sklearn-base.onnx`);
  await field("Hold-out").setInputFiles(`${health}/holdout.safetensors`);
  await rehearse();
  await button("Open the job").click();
  await see(/Job 2 is open/);
  await page.getByRole("link", { name: "Mistake" }).click();
  await see(/returns 0\.2\d+ ether: all that is in escrow but the rent used/);
  await button("Cancel the job").click();
  await page.locator('h1 .badge[data-stage="cancelled"]').waitFor();
}

await install(page, ethereum, account);
for (const step of [
  termsThatMakeNoSenseAreRefusedInWords,
  aJobIsRehearsedByKeyboardAndOpenedInParts,
  aSealedJobIsOpenedRevealedAndSettled,
  aJobThatNobodySubmittedToIsCancelled,
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
