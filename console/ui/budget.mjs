// Fails the build when the first page grows beyond its budget (docs/console.md, performance): JS + CSS of what the first page loads,
// each page chunk, the chart chunk, the fonts. Sizes are gzip -9.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const dist = new URL('./dist/', import.meta.url).pathname;
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'));
const kb = (n) => `${(n / 1000).toFixed(1)} KB`;
const size = (file) => gzipSync(readFileSync(dist + file), { level: 9 }).length;

/** Files that a chunk loads by itself: its script, static imports and style sheets. */
function filesOf(key, seen = new Set()) {
  const c = manifest[key];
  if (!c || seen.has(c.file)) return seen;
  seen.add(c.file);
  for (const css of c.css ?? []) seen.add(css);
  for (const i of c.imports ?? []) filesOf(i, seen);
  return seen;
}

const problems = [];
let checked = 0;
const sum = (files) => [...files].reduce((n, f) => n + size(f), 0);
const check = (what, n, limit) => {
  checked++;
  if (n > limit) problems.push(`${what} ${kb(n)} of ${kb(limit)}`);
};

const entry = Object.keys(manifest).find((k) => manifest[k].isEntry);
const base = filesOf(entry);
for (const page of ['overview/Overview.tsx', 'alerts/Alerts.tsx', 'entry/Login.tsx']) {
  check(`first page, by ${page}`, sum(filesOf(page, new Set(base))), 400_000);
}
const chart = filesOf('design/TimeBars.tsx');
for (const key of Object.keys(manifest)) {
  if (!manifest[key].isDynamicEntry) continue;
  const own = [...filesOf(key)].filter((f) => !base.has(f));
  if (key === 'design/TimeBars.tsx') check('chart', sum(own), 200_000);
  else check(key, sum(own.filter((f) => !chart.has(f))), 60_000);
}
const fonts = readdirSync(`${dist}assets`).filter((f) => f.endsWith('.woff2'));
check(
  'fonts, woff2',
  fonts.reduce((n, f) => n + readFileSync(`${dist}assets/${f}`).length, 0),
  160_000,
);

// Nothing is asked of anyone else.
const foreign = readdirSync(`${dist}assets`)
  .filter((f) => f.endsWith('.css'))
  .filter((f) => /url\(["']?(?:https?:)?\/\//.test(readFileSync(`${dist}assets/${f}`, 'utf8')));
if (foreign.length > 0 || /(?:src|href)="(?:https?:)?\/\//.test(readFileSync(`${dist}index.html`, 'utf8')))
  problems.push(`third-party request ${foreign}`);

if (problems.length > 0) {
  console.error(`over budget: ${problems.join(', ')}`);
  process.exit(1);
}
// The list served the sizes above; it is no part of the console, and everything in dist/ goes into the program.
rmSync(`${dist}.vite`, { recursive: true });
console.log(`console: built, ${checked} size budgets kept`);
