// Opens the page in Chromium, collects what must not happen, and takes pictures.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"];
FLAGS.push("--no-first-run", "--disable-component-update", "--disable-sync");

const require = createRequire(import.meta.url);

/** A page, and what it did that it must not: other origins, errors, broken policies. */
export async function open(executablePath, url) {
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  const context = await browser.newContext({ colorScheme: "light", locale: "en-GB" });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const wrongs = [];
  page.on("pageerror", (error) => wrongs.push(String(error)));
  page.on("console", (message) => {
    // A question that has no answer at the moment is told by the page, and by the browser as well.
    const isAnswer = message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !isAnswer) wrongs.push(message.text());
  });
  page.on("request", (request) => {
    const to = request.url();
    const isOurs = to.startsWith(`${url}/`) || to.startsWith("data:") || to.startsWith("blob:");
    if (!isOurs) wrongs.push(`asks ${to}`);
  });
  return { browser, page, wrongs };
}

/** Bytes that the first load takes, compressed. */
export async function firstLoad(page, url) {
  const bodies = [];
  const take = (response) => bodies.push(response.body());
  page.on("response", take);
  await page.goto(url);
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  page.off("response", take);
  const sizes = (await Promise.all(bodies)).map((body) => gzipSync(body).length);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Pictures of a view, light, dark and narrow; each accessible, and none wider than its screen. */
export async function inspect(page, folder, name) {
  for (const [look, colorScheme, width] of [
    ["light", "light", 1100],
    ["dark", "dark", 1100],
    ["narrow", "light", 360],
  ]) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 800 });
    await page.screenshot({ path: join(folder, `${name}-${look}.png`), fullPage: true });
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert(wide <= width, `${name} is ${wide} wide on a screen of ${width}`);
    await page.evaluate(await readFile(require.resolve("axe-core/axe.min.js"), "utf8"));
    const { violations } = await page.evaluate(() => window.axe.run());
    const serious = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
    const found = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html)}`);
    assert.deepEqual(found, [], `${name}, ${look}`);
  }
  await page.emulateMedia({ colorScheme: "light" });
  await page.setViewportSize({ width: 1100, height: 800 });
}

/** The text of a file that a click saves. */
export async function saved(page, button) {
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  return readFile(await (await download).path(), "utf8");
}
