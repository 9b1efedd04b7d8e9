// Keeps `artifacts/` equal to what forge last built.
//
//   node scripts/artifacts.mjs write   replaces the committed files
//   node scripts/artifacts.mjs check   fails, naming each file that differs
//
// An artifact is the ABI and the creation bytecode, nothing else: Rust and the page read it without
// a Solidity compiler, and a review sees what changed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const CONTRACTS = [
  'IDeml',
  'ModelRegistry',
  'TestToken',
  'AlphaLine',
  'AlphaApplication',
  'AlphaAuthority',
];
const FOLDER = new URL('../', import.meta.url);

/** The text of one artifact, from forge's own, much larger output. */
function render(contract) {
  const built = JSON.parse(readFileSync(new URL(`out/${contract}.sol/${contract}.json`, FOLDER)));
  const entries = built.abi.map((entry) => `    ${JSON.stringify(entry)}`).join(',\n');
  const bytecode = JSON.stringify(built.bytecode.object);
  return `{\n  "abi": [\n${entries}\n  ],\n  "bytecode": ${bytecode}\n}\n`;
}

/** The committed text of one artifact; empty when there is none yet. */
function committed(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT') return '';
    throw error;
  }
}

const artifacts = CONTRACTS.map((contract) => ({
  file: new URL(`artifacts/${contract}.json`, FOLDER),
  name: `artifacts/${contract}.json`,
  text: render(contract),
}));

switch (process.argv[2]) {
  case 'write':
    mkdirSync(new URL('artifacts/', FOLDER), { recursive: true });
    for (const { file, text } of artifacts) writeFileSync(file, text);
    console.log(`wrote ${artifacts.length} artifacts`);
    break;
  case 'check': {
    const stale = artifacts.filter(({ file, text }) => committed(file) !== text);
    for (const { name } of stale) console.error(`stale: contracts/${name}; run npm run build`);
    if (stale.length === 0) console.log(`${artifacts.length} artifacts are up to date`);
    process.exitCode = stale.length === 0 ? 0 : 1;
    break;
  }
  default:
    console.error('usage: node scripts/artifacts.mjs write|check');
    process.exitCode = 1;
}
