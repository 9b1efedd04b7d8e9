#!/usr/bin/env node
// npm's solc behind the two flags that forge calls a compiler with.
//
// forge expects a native executable; `solcjs` answers the same questions but under other flags.
import { readFileSync } from 'node:fs';
import solc from 'solc';

const STDIN = 0;
const flags = process.argv.slice(2);

if (flags.includes('--version')) {
  console.log(`solc, the solidity compiler commandline interface\nVersion: ${solc.version()}`);
} else if (flags.includes('--standard-json')) {
  // forge puts every source into the request, so no import callback is needed.
  console.log(solc.compile(readFileSync(STDIN, 'utf8')));
} else {
  console.error(`this wrapper answers --version and --standard-json, not: ${flags.join(' ')}`);
  process.exitCode = 1;
}
