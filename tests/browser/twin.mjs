// Asks the market's code as WebAssembly, outside of a browser: each line of standard input is the
// path of a file with a question in bytes, each line of standard output an answer.
//
//   node twin.mjs TWIN.WASM

import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

const begun = performance.now();
const module = await WebAssembly.compile(await readFile(process.argv[2]));
const imports = {};
for (const { module: from, name } of WebAssembly.Module.imports(module)) {
  (imports[from] ??= {})[name] = () => {
    throw new Error(`${name} was called`);
  };
}
const instance = await WebAssembly.instantiate(module, imports);
const { memory, question, answer, answered } = instance.exports;
console.error(`started in ${(performance.now() - begun).toFixed(0)} ms`);

for await (const path of createInterface({ input: process.stdin })) {
  const asked = await readFile(path);
  const began = performance.now();
  // Making room may move the memory.
  const room = question(asked.length);
  new Uint8Array(memory.buffer, room, asked.length).set(asked);
  const length = answer();
  console.log(new TextDecoder().decode(new Uint8Array(memory.buffer, answered(), length)));
  console.error(`${path}: ${(performance.now() - began).toFixed(0)} ms`);
}
