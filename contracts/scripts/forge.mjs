#!/usr/bin/env node
// Runs forge with the given arguments and ends as it ends.
//
// The launcher inside @foundry-rs/forge 1.7.1 exits 0 even when forge fails, and forge exits 0 when
// it finds no test; either would make every check pass.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';

const FOLDER = new URL('../', import.meta.url);
const ARCHITECTURES = { x64: 'amd64', arm64: 'arm64' };

const args = process.argv.slice(2);
const platform = `${process.platform}-${ARCHITECTURES[process.arch]}`;
const binary = createRequire(import.meta.url).resolve(`@foundry-rs/forge-${platform}/bin/forge`);

const run = spawnSync(binary, args, {
  cwd: FOLDER,
  encoding: 'utf8',
  maxBuffer: Infinity,
  stdio: ['inherit', 'pipe', 'inherit'],
});
if (run.error) throw run.error;
process.stdout.write(run.stdout);
process.exitCode = run.status ?? 1;

// Without further arguments, `test` means all of them.
if (args.length === 1 && args[0] === 'test') {
  for (const file of readdirSync(new URL('test/', FOLDER)).filter((name) => name.endsWith('.t.sol'))) {
    if (!run.stdout.includes(`for test/${file}:`)) {
      console.error(`forge ran nothing of test/${file}; run npm run clean, then try again`);
      process.exitCode = 1;
    }
  }
}
