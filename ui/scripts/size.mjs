// Fails when what a browser fetches for the first page is over its budget, and says what it is made of.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

const kBudget = 60_000;
const dist = process.env.VEDETTE_UI_OUT ?? 'dist';
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'));

const files = new Set(['index.html', 'favicon.svg']);
function add(name) {
  const chunk = manifest[name];
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  (chunk.css ?? []).forEach((css) => files.add(css));
  (chunk.imports ?? []).forEach(add);
}
add('index.html');

let total = 0;
for (const file of files) {
  const size = gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
  total += size;
  console.log(`${(size / 1000).toFixed(1).padStart(7)} kB  ${file}`);
}
console.log(
  `${(total / 1000).toFixed(1).padStart(7)} kB  first load, gzip; the budget is ${kBudget / 1000} kB`,
);
if (total > kBudget) {
  console.error('The first load is over its budget: load less at once, or write less.');
  process.exit(1);
}
