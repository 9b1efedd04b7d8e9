// Asks the market's code as WebAssembly, in Node or in a browser: each line of standard input is
// the path of a file with a question in bytes, each line of standard output an answer.
//
//   node twin.mjs TWIN.WASM [CHROMIUM]

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const [wasm, chromium] = process.argv.slice(2);

/** Loads the code: an object whose `ask` answers a question, both in base64. */
async function load(encoded) {
  const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const module = await WebAssembly.compile(bytesOf(encoded));
  const imports = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    (imports[from] ??= {})[name] = () => {
      throw new Error(`${name} was called`);
    };
  }
  const instance = await WebAssembly.instantiate(module, imports);
  const { memory, question, answer, answered } = instance.exports;
  return {
    ask(encoded) {
      const asked = bytesOf(encoded);
      // Making room may move the memory.
      const room = question(asked.length);
      new Uint8Array(memory.buffer, room, asked.length).set(asked);
      const length = answer();
      return new TextDecoder().decode(new Uint8Array(memory.buffer, answered(), length));
    },
  };
}

/** The code in a browser's page, which may be without any origin. */
async function loadInBrowser(executablePath, encoded) {
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });
  const page = await browser.newPage();
  const twin = await page.evaluateHandle(load, encoded);
  return { ask: (asked) => twin.evaluate((twin, asked) => twin.ask(asked), asked) };
}

const begun = performance.now();
const encoded = (await readFile(wasm)).toString("base64");
const twin = chromium ? await loadInBrowser(chromium, encoded) : await load(encoded);
console.error(`started in ${(performance.now() - begun).toFixed(0)} ms`);

for await (const path of createInterface({ input: process.stdin })) {
  const asked = await readFile(path);
  const began = performance.now();
  console.log(await twin.ask(asked.toString("base64")));
  console.error(`${path}: ${(performance.now() - began).toFixed(0)} ms`);
}
process.exit(0);
