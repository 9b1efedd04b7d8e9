// Prints how many bytes all files of a folder have together, each compressed.
//
//   node size.mjs FOLDER

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const [folder] = process.argv.slice(2);
const entries = await readdir(folder, { recursive: true, withFileTypes: true });
const files = entries.filter((entry) => entry.isFile());
const sizes = files.map(async ({ parentPath, name }) =>
  gzipSync(await readFile(join(parentPath, name))).length,
);
console.log((await Promise.all(sizes)).reduce((sum, size) => sum + size, 0));
