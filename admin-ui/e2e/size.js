/** How much the first screen weighs on the wire: the page, and all that the shell and the dashboard load at once. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT = 120 * 1024;
const BUILD = join(import.meta.dirname, '../build');

const manifest = JSON.parse(readFileSync(join(import.meta.dirname, '../.svelte-kit/output/client/.vite/manifest.json'), 'utf8'));

const ON_REQUEST = /\/locales\/|shell\/(PaletteDialog|Help)\.svelte$/;

/** @type {Set<string>} */
const files = new Set(['index.html']);
/** @type {Set<string>} */
const seen = new Set();

/** @param {string} name */
function take(name) {
  const chunk = manifest[name];
  if (!chunk || seen.has(name)) return;
  seen.add(name);
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const next of chunk.imports ?? []) take(next);
  // What a part brings by itself belongs to the first screen; pages, languages and these come when they are asked for.
  const later = name.endsWith('app.js') ? [] : (chunk.dynamicImports ?? []);
  for (const next of later) if (!ON_REQUEST.test(next)) take(next);
}

for (const name of Object.keys(manifest)) if (/(client\/entry|client-optimized\/app\.js$)/.test(name)) take(name);
for (const name of dashboard()) take(name);

/** The root layout, the shell and the dashboard, by the numbers that the router's table gives them. */
function dashboard() {
  const app = readFileSync(join(import.meta.dirname, '../.svelte-kit/generated/client-optimized/app.js'), 'utf8');
  const found = /"\/\(app\)":\s*\[(\d+),\[([\d,]*)\]/.exec(app);
  if (!found) throw new Error('the dashboard is not in the table of pages');
  const numbers = ['0', found[1] ?? '', ...(found[2] ?? '').split(',')].filter(Boolean);
  return [...new Set(numbers)].map((number) => `.svelte-kit/generated/client-optimized/nodes/${number}.js`);
}

for (const part of ['app.js', 'nodes/0.js']) {
  if (![...seen].some((name) => name.endsWith(part))) throw new Error(`${part} was not found in the manifest`);
}

let total = 0;
for (const file of files) {
  const size = statSync(join(BUILD, `${file}.br`), { throwIfNoEntry: false })?.size ?? statSync(join(BUILD, file)).size;
  total += size;
  if (process.argv.includes('--files')) console.log(`${String(size).padStart(8)}  ${file}`);
}
const words = `first screen: ${(total / 1024).toFixed(1)} KB compressed in ${files.size} files (limit ${LIMIT / 1024} KB)`;
if (total > LIMIT) {
  console.error(words);
  process.exit(1);
}
console.log(words);
