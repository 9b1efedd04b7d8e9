// Looks at a market's page as its readers do. Asks on standard output, in one word, for what is to
// happen outside of the browser, and goes on with the next line of standard input.
//
//   node play.mjs CHROMIUM URL ETHEREUM TOKEN ACCOUNT FOLDER LIAR MODEL SCORE BUNDLE SEALED
//
// LIAR is a page whose node lies when told to; MODEL is worth SCORE parts per million in job 0;
// SEALED is a model for job 1, which is sealed.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";

import { firstLoad, inspect, open, saved } from "./browser.mjs";
import { install, rpc } from "./wallet.mjs";

const [chromium, url, ethereum, token, account, pictures, liar, model, score, bundle, sealed] =
  process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function outside(what) {
  console.log(what);
  await lines.next();
}

const { browser, page, wrongs } = await open(chromium, url);
const button = (name) => page.getByRole("button", { name, exact: typeof name === "string" });
const see = (text) => page.getByText(text).first().waitFor();
const status = (state) => page.locator(`#status[data-state="${state}"]`).waitFor();

/** Waits for the newest transaction to be in a state; returns what is said of it. */
async function latest(state, hasText) {
  await page.locator(`.activity li:first-child[data-state="${state}"]`, { hasText }).waitFor();
}

async function theListIsFilteredAndSearched() {
  const bytes = await firstLoad(page, url);
  assert(bytes < 300_000, `the first load takes ${bytes} bytes`);
  await status("live");
  // What a sponsor writes is shown as text.
  await page.getByRole("link", { name: "0: <i>Health</i>" }).waitFor();
  const search = page.getByLabel("Search");
  await search.fill("no such job");
  await see("No job matches: change the search or the filters.");
  await search.fill("accuracy");
  await page.getByLabel("Kind").selectOption("rewards, open, machine");
  const row = page.getByRole("row").nth(1);
  assert.match(await row.textContent(), /5\.000 % better than the base model with 81\.065 %/);
  assert.match(await row.textContent(), /2 × 0\.5 ether/);
  await inspect(page, pictures, "jobs");
}

async function aJobIsOpenedByKeyboard() {
  await page.getByLabel("Order").focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Leaderboard" }).waitFor();
  const table = (name) => page.getByRole("table", { name });
  assert.match(await table("Counts").textContent(), /94\.674 %/);
  assert.match(await table("Does not count").textContent(), /84\.615 %.*gain too small: its score/);
  await see("for each of 2 models, 1 left");
  assert.equal(await page.locator(".timeline li").count(), 3);
}

async function scoresAreChartedZoomedAndSaved() {
  const marks = page.locator(".chart circle");
  assert.equal(await marks.count(), 2);
  const ends = () => page.locator(".chart text").allTextContents();
  const all = await ends();
  await button("Zoom in").click();
  assert.notDeepEqual(await ends(), all);
  await button("All").click();
  assert.deepEqual(await ends(), all);
  const csv = (await saved(page, "Save CSV")).trim().split("\r\n");
  assert.equal(csv.length, 4, "a base model and two submissions");
  assert.match(csv[2], /,accepted,0,0x[0-9a-f]{40},946745,$/);
  assert.match(csv[3], /,refused,1,.*gain too small: its score/);
  const picture = await saved(page, "Save SVG");
  assert.match(picture, /^<svg xmlns="http:\/\/www.w3.org\/2000\/svg"[^]*<\/svg>$/);
  await inspect(page, pictures, "job");
}

async function itsFilesAreVerifiedAndLookedThrough() {
  const download = page.waitForEvent("download");
  await button("Download the base model").click();
  await see(/The base model, [\d,]+ bytes, is verified in this browser by its CID bafk/);
  assert.equal((await download).suggestedFilename(), "base-0.onnx");
  await button("Look through the hold-out").click();
  await see(/The hold-out, 21,768 bytes, is verified in this browser by its CID/);
  const balance = await page.getByRole("table", { name: "Class balance" }).textContent();
  assert.match(balance, /63 ?37\.278 %.*106 ?62\.721 %/);
  const rows = page.getByRole("table", { name: "Rows" });
  await see("Rows 0 to 19 of 169, columns 0 to 11 of 30; counted from 0.");
  assert.equal(await rows.getByRole("row").count(), 21);
  const before = await rows.textContent();
  await button("Next rows").click();
  await see("Rows 20 to 39 of 169");
  assert.notEqual(await rows.textContent(), before);
  await button("Next columns").click();
  await see("columns 12 to 23 of 30");
  await page.getByLabel("From row").fill("160");
  await page.keyboard.press("Enter");
  await see("Rows 160 to 168 of 169");
  assert.equal(await page.locator(".histograms svg").count(), 12);
  assert(await button("Next rows").isDisabled());
  await inspect(page, pictures, "numbers");
  await shoot("readme-light", page.locator("header"), "light");
}

async function picturesAreShownAsPictures() {
  await page.getByRole("link", { name: "Jobs" }).click();
  await page.getByRole("link", { name: "1: Digits" }).click();
  await button("Look through the public slice").click();
  await see("Rows 0 to 19 of 600; counted from 0.");
  assert.equal(await page.locator("canvas").count(), 20);
  const shades = await page.locator("canvas").first().evaluate((canvas) => [
    ...new Set(canvas.getContext("2d").getImageData(0, 0, 8, 8).data),
  ]);
  assert(shades.length > 3, "a digit has more than one shade");
  assert.equal(await button("Look through the hold-out").count(), 0, "it is sealed");
  await shoot("readme-dark", page.getByText("Show as"), "dark");
  await inspect(page, pictures, "pictures");
  await page.getByLabel("Show as").selectOption("numbers");
  await see("Rows 0 to 19 of 600, columns 0 to 11 of 64");
}

/** A picture for people who read about the page. */
async function shoot(name, from, colorScheme) {
  await page.emulateMedia({ colorScheme });
  await page.setViewportSize({ width: 1000, height: 640 });
  await from.evaluate((element) => element.scrollIntoView());
  await page.screenshot({ path: `${pictures}/${name}.png` });
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1100, height: 800 });
}

async function theChosenWalletIsUsedForEverything() {
  await page.getByRole("link", { name: "Account" }).click();
  await button("Connect First").waitFor();
  const tell = (change) => page.evaluate(change);
  await tell(() => (window.wallets.Second.refuses = true));
  await button("Connect Second").click();
  await see("refused in the wallet: nothing was sent");
  await tell(() => (window.wallets.Second.refuses = false));
  await button("Connect Second").click();
  await page.getByRole("table", { name: "Balances" }).waitFor();
  await tell(() => window.wallets.Second.setChain("0x1"));
  await see("Wrong chain: Second is on chain 1, this market on chain 31337.");
  assert(await button("Deposit").isDisabled());
  await inspect(page, pictures, "wrong-chain");
  await button("Switch the wallet").click();
  await page.locator("#warning").waitFor({ state: "hidden" });
}

async function moneyIsDepositedClaimedAndWithdrawn() {
  const amount = page.getByLabel("Deposit: amount");
  await amount.fill("1000000");
  await button("Deposit").click();
  await see(/needs 1000000 ether, the wallet .* has /);
  await page.evaluate(() => (window.wallets.Second.refuses = true));
  await amount.fill("0.25");
  await button("Deposit").click();
  await latest("refused", /nothing was sent/);
  await page.evaluate(() => (window.wallets.Second.refuses = false));
  await button("Deposit").click();
  await latest("done", /deposit 0\.25 ether: done/);
  await page.getByRole("cell", { name: "0.25 ether", exact: true }).waitFor();

  const before = BigInt(await rpc(ethereum, "eth_getBalance", [account, "latest"]));
  await inspect(page, pictures, "account");
  await button("Claim").click();
  await latest("done", /execute voucher \d+: done/);
  const after = BigInt(await rpc(ethereum, "eth_getBalance", [account, "latest"]));
  assert(after - before > 499_000_000_000_000_000n, "the reward is in the wallet");
  await see("No voucher waits to be executed.");

  await button("Withdraw all").click();
  await latest("done", /send the command: done/);
  await see(/pays 0\.25 ether to .* once it is proven/);
}

async function nothingMoreIsSentAfterTheAccountWasChanged() {
  await page.evaluate((address) => {
    const wallet = window.wallets.Second;
    const ask = window.askEthereum;
    window.askEthereum = async (method, params) => {
      const answer = await ask(method, params);
      if (method === "eth_sendTransaction") wallet.setAccount(address);
      return answer;
    };
  }, other);
  await page.getByLabel("Deposit: amount").fill("5");
  await page.locator("#deposit-unit").selectOption({ label: "TEST" });
  await button("Deposit").click();
  await latest("stopped", /deposit 5 TEST: the account or chain was changed/);
  const first = page.locator(".activity li").nth(1);
  assert.match(await first.textContent(), /let the portal take it: done/);
  const asked = await page.evaluate(() => window.wallets.First.asked);
  assert.deepEqual(asked, [], "the wallet that was not chosen is asked nothing");
}

/** Parts per million as the page writes them. */
const percent = (ppm) => `${Math.floor(ppm / 10_000)}.${String(Math.floor(ppm / 10) % 1_000).padStart(3, "0")} %`;

async function aModelIsScoredBeforeAnyGas() {
  await page.getByRole("link", { name: "Jobs" }).click();
  await page.getByRole("link", { name: "0: <i>Health</i>" }).click();
  const before = await rpc(ethereum, "eth_blockNumber");
  const choose = page.getByLabel("Choose a model (ONNX), or drop it here");
  const nonsense = { name: "no.onnx", mimeType: "application/octet-stream", buffer: Buffer.from("no") };
  await choose.setInputFiles(nonsense);
  await see("no.onnx would be refused: ");
  await choose.setInputFiles(model);
  await see("would be accepted.");
  const result = page.locator("#model-result");
  assert((await result.textContent()).includes(`Score${percent(Number(score))}`), "the machine's score");
  assert.match(await result.textContent(), /Pays0\.5 ether/);
  await page.getByRole("table", { name: "Rows of each class" }).waitFor();
  assert.equal(await rpc(ethereum, "eth_blockNumber"), before, "nothing was sent");
  await inspect(page, pictures, "model");
}

async function itIsSubmittedInPartsAndPaid() {
  await page.evaluate(() => {
    const ask = window.askEthereum;
    let left = 1;
    window.askEthereum = async (method, params) => {
      if (method === "eth_sendTransaction" && left-- === 0) throw new Error("the wallet was closed");
      return ask(method, params);
    };
  });
  await button("Submit").click();
  await page.locator('.activity li[data-state="refused"]', { hasText: "publish" }).waitFor();
  await page.getByText("is committed; the market expects the rest of its bytes").waitFor();
  // The bytes and the submission outlive the page.
  await page.reload();
  await page.getByRole("link", { name: "Account" }).click();
  await button("Connect Second").click();
  await page.evaluate((address) => window.wallets.Second.setAccount(address), other);
  await page.getByRole("link", { name: "Jobs" }).click();
  await page.getByRole("link", { name: "0: <i>Health</i>" }).click();
  await button("Go on publishing").click();
  await latest("done", /publish.*: done/);
  await see("is accepted: what it pays is a voucher of your account.");
  await outside("mine");
  await page.getByRole("link", { name: "Claim", exact: true }).click();
  await button("Claim").first().click();
  await latest("done", /execute voucher \d+: done/);
}

async function aSubmissionMayBePendingForMinutes() {
  await page.clock.install();
  await page.getByRole("link", { name: "Jobs" }).click();
  await page.getByRole("link", { name: "1: Digits" }).click();
  await page.getByLabel("Choose a model (ONNX), or drop it here").setInputFiles(sealed);
  await see("on the public slice; the hold-out is sealed");
  await page.evaluate(() => void window.wallets.Second.hold());
  await button(/^Submit/).click();
  await latest("asking", /commit to the model.*: asking the wallet …/);
  // The devnet would have a block made for what waits.
  await outside("stop-node");
  await rpc(ethereum, "evm_setAutomine", [false]);
  await page.evaluate(() => window.wallets.Second.sign());
  await latest("pending", /waits for a block …/);
  await page.clock.fastForward(61_000);
  await see("it takes long: the wallet can speed it up or cancel it");
  await inspect(page, pictures, "pending");
  await rpc(ethereum, "evm_setAutomine", [true]);
  await rpc(ethereum, "evm_mine");
  await outside("start-node");
  await latest("done", /publish.*: done/);
}

async function aSealedModelIsRevealedInTime() {
  const reminder = page.locator(".reminder");
  await reminder.filter({ hasText: "Your model of job 1 is sealed: reveal it between" }).waitFor();
  assert(await button("Reveal").isHidden());
  await outside("close");
  await page.getByRole("link", { name: "Account" }).click();
  const due = reminder.filter({ hasText: "Reveal your model of job 1 now: after" });
  await due.waitFor();
  assert.match(await page.title(), /^\(!\) /);
  await inspect(page, pictures, "reminder");
  await page.getByRole("link", { name: "Go to job 1" }).click();
  await button("Reveal").click();
  await latest("done", /reveal the model: done/);
  await due.waitFor({ state: "detached" });
  assert.doesNotMatch(await page.title(), /^\(!\) /);
}

async function theMarketIsVerifiedHere() {
  await page.getByRole("link", { name: "Verify", exact: true }).click();
  await see("Nothing is verified yet");
  await button("Verify now").click();
  await see(/All holds, up to block \d+ and \d+ inputs\./);
  const facts = await page.getByRole("table", { name: "What was checked" }).textContent();
  assert.match(facts, /is what the application was made of/);
  assert.match(facts, /each as the InputBox keeps its hash/);
  await page.getByLabel("A bundle that").setInputFiles(bundle);
  await see(/outputs are proven under roots that Ethereum has accepted\./);
  await inspect(page, pictures, "verified");
  await page.getByRole("link", { name: "Jobs" }).click();
  await page.getByRole("link", { name: "0: <i>Health</i>" }).click();
  await see("Verified in this browser against Ethereum.");
}

async function replacedBlocksAreTold() {
  const looked = () => page.waitForResponse(/\/api\/status/);
  for (;;) {
    await rpc(ethereum, "evm_mine");
    await looked();
    await looked();
    const { transactions } = await rpc(ethereum, "eth_getBlockByNumber", ["latest", false]);
    // What the devnet sent is not undone: it would not send it again.
    if (transactions.length === 0) break;
  }
  await rpc(ethereum, "anvil_reorg", [1, []]);
  await see("Ethereum replaced its last blocks");
  await see("As the node tells it; not verified in this browser.");
  await inspect(page, pictures, "reorganised");
}

async function liesOfTheNodeAreFound() {
  const second = await open(chromium, liar);
  const { page } = second;
  await page.goto(`${liar}/#/verify`);
  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByText(/All holds, up to block/).waitFor();
  await outside("lie-about-jobs");
  await page.goto(`${liar}/#/job/0`);
  await page.getByText("The node shows this job otherwise than Ethereum's inputs make it").waitFor();
  await page.screenshot({ path: `${pictures}/lie.png`, fullPage: true });
  await outside("lie-about-outputs");
  await page.goto(`${liar}/#/verify`);
  await page.reload();
  await page.getByRole("button", { name: "Verify now" }).click();
  await page.getByText(/It does not hold: output 0, of input/).waitFor();
  assert.deepEqual(second.wrongs, []);
  await second.browser.close();
}

async function theNodeGoesAwayAndComesBack() {
  await page.getByRole("link", { name: "Jobs" }).click();
  // The view before may name the job as well.
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  await see("0: <i>Health</i>");
  await outside("stop-node");
  await status("down");
  await see("the node does not answer in time. What is shown is from before.");
  await inspect(page, pictures, "node-down");
  await outside("start-node");
  await status("live");
  await page.locator("#trouble").waitFor({ state: "hidden" });
  await page.goto(`${url}/#/job/77`);
  await see("there is no job 77");
  await outside("end-page");
  await status("away");
  await see("deml dashboard does not answer: start it again.");
}

await install(page, ethereum, account);
const other = (await rpc(ethereum, "eth_accounts"))[7];
// 100 units of the test token, which anyone can mint.
const word = (number) => number.toString(16).padStart(64, "0");
const mint = `0x40c10f19${account.slice(2).padStart(64, "0")}${word(100n * 10n ** 18n)}`;
await rpc(ethereum, "eth_sendTransaction", [{ from: account, to: token, data: mint }]);

for (const step of [
  theListIsFilteredAndSearched,
  aJobIsOpenedByKeyboard,
  scoresAreChartedZoomedAndSaved,
  itsFilesAreVerifiedAndLookedThrough,
  picturesAreShownAsPictures,
  theChosenWalletIsUsedForEverything,
  moneyIsDepositedClaimedAndWithdrawn,
  nothingMoreIsSentAfterTheAccountWasChanged,
  aModelIsScoredBeforeAnyGas,
  itIsSubmittedInPartsAndPaid,
  aSubmissionMayBePendingForMinutes,
  aSealedModelIsRevealedInTime,
  theMarketIsVerifiedHere,
  replacedBlocksAreTold,
  liesOfTheNodeAreFound,
  theNodeGoesAwayAndComesBack,
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
