// A client and a sponsor write to each other on the market's page, each in a browser of their own.
//
//   node messages.mjs CHROMIUM URL ETHEREUM CLIENT SPONSOR FOLDER

import assert from "node:assert/strict";

import { inspect, open, saved } from "./browser.mjs";
import { install } from "./wallet.mjs";

const [chromium, url, ethereum, clientAccount, sponsorAccount, pictures] = process.argv.slice(2);

const PASSPHRASE = "correct horse battery";

/** Somebody with a wallet, who looks at job 0. */
async function person(account) {
  const { browser, page, wrongs } = await open(chromium, url);
  await install(page, ethereum, account);
  await page.goto(`${url}/#/account`);
  await page.getByRole("button", { name: "Connect First", exact: true }).click();
  await page.getByRole("table", { name: "Balances" }).waitFor();
  await page.goto(`${url}/#/job/0`);
  const button = (name) => page.getByRole("button", { name, exact: true });
  const say = (text) => page.getByLabel("Passphrase of your messages").fill(text);
  const see = (text) => page.locator("#messages").getByText(text).first().waitFor();
  const done = (what) =>
    page.locator('.activity li:first-child[data-state="done"]', { hasText: what }).waitFor();
  const send = async (text) => {
    await page.getByLabel("Message", { exact: true }).fill(text);
    await button("Send").click();
    await see(text);
  };
  return { browser, page, wrongs, button, say, see, done, send };
}

async function hasKey(who) {
  await who.say("too short");
  await who.button("Make a key").click();
  await who.see("a passphrase has at least 12 letters");
  await who.say(PASSPHRASE);
  await who.button("Make a key").click();
  await who.see("Nobody can write to you here before your key is published.");
  await who.button("Publish the key").click();
  await who.done("publish the key: done");
  await who.button("New key").waitFor();
}

const client = await person(clientAccount);
const sponsor = await person(sponsorAccount);
try {
  await hasKey(client);
  await client.see("has published no key yet");
  await hasKey(sponsor);

  // There and back; a stranger's text is only text.
  await sponsor.send("Which scanner did you use?");
  await sponsor.done("send the message: done");
  await client.see("Which scanner did you use?");
  await client.send("<b>Two</b> of them");
  await client.done("send the message: done");
  await sponsor.see("<b>Two</b> of them");
  assert.equal(await sponsor.page.locator("#messages b").count(), 0);
  await inspect(client.page, pictures, "messages");

  // Nothing is readable without the passphrase.
  await client.page.reload();
  await client.page.goto(`${url}/#/account`);
  await client.page.getByRole("button", { name: "Connect First", exact: true }).click();
  await client.page.goto(`${url}/#/job/0`);
  await client.say("another passphrase");
  await client.button("Unlock").click();
  await client.see("that is not the passphrase");
  await client.say(PASSPHRASE);
  await client.button("Unlock").click();
  await client.see("Which scanner did you use?");
  await client.see("<b>Two</b> of them");

  // A new key; what came before stays readable.
  await client.button("New key").click();
  await client.done("publish the key: done");
  await sponsor.page.reload();
  await sponsor.page.goto(`${url}/#/account`);
  await sponsor.page.getByRole("button", { name: "Connect First", exact: true }).click();
  await sponsor.page.goto(`${url}/#/job/0`);
  await sponsor.say(PASSPHRASE);
  await sponsor.button("Unlock").click();
  await sponsor.send("Of which year?");
  await client.see("Of which year?");
  await client.see("Which scanner did you use?");

  // Exported, the keys open everything in another browser.
  const file = await saved(client.page, "Export the keys");
  assert(!file.includes("Two"), "what is exported is encrypted");
  const elsewhere = await person(clientAccount);
  const chosen = { name: "keys.json", mimeType: "application/json", buffer: Buffer.from(file) };
  await elsewhere.page.getByLabel("Take an exported file").setInputFiles(chosen);
  await elsewhere.button("Unlock").waitFor();
  await elsewhere.say(PASSPHRASE);
  await elsewhere.button("Unlock").click();
  await elsewhere.see("Of which year?");
  await elsewhere.see("<b>Two</b> of them");

  await client.button("Block").first().click();
  await client.see("(blocked)");
  await client.button("Unblock").first().click();
  await client.see("Of which year?");
  for (const { wrongs } of [client, sponsor, elsewhere]) assert.deepEqual(wrongs, []);
} catch (error) {
  await client.page.screenshot({ path: `${pictures}/client-failed.png`, fullPage: true });
  await sponsor.page.screenshot({ path: `${pictures}/sponsor-failed.png`, fullPage: true });
  console.error(error.stack);
  process.exit(1);
}
console.log("seen");
process.exit(0);
