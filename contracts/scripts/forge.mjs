#!/usr/bin/env node
// Runs forge with the given arguments and ends as it ends.
//
// package.json names npm's forge binaries themselves, not the package that launches them: that one
// exits 0 even when forge fails, and names binaries that a registry may lack, so `npm ci` refuses
// its lock file.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../', import.meta.url);
const ARCHITECTURES = { x64: 'amd64' };

const args = process.argv.slice(2);
const platform = `${process.platform}-${ARCHITECTURES[process.arch] ?? process.arch}`;
const binary = new URL(`node_modules/@foundry-rs/forge-${platform}/bin/forge`, FOLDER);
if (!existsSync(binary)) {
  console.error(`no forge for ${platform}: run npm ci, on linux-amd64 or darwin-arm64`);
  process.exit(1);
}

const run = spawnSync(fileURLToPath(binary), args, {
  cwd: FOLDER,
  encoding: 'utf8',
  maxBuffer: Infinity,
  stdio: ['inherit', 'pipe', 'inherit'],
});
if (run.error) throw run.error;
process.stdout.write(run.stdout);
process.exitCode = run.status ?? 1;

// forge exits 0 when it finds no tests. Without further arguments, `test` means all of them.
if (args.length === 1 && args[0] === 'test') {
  for (const file of readdirSync(new URL('test/', FOLDER)).filter((name) => name.endsWith('.t.sol'))) {
    if (!run.stdout.includes(`for test/${file}:`)) {
      console.error(`forge ran nothing of test/${file}; run npm run clean, then try again`);
      process.exitCode = 1;
    }
  }
}
