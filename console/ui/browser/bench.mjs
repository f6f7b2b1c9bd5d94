// Measures the queue in a real browser for `make bench-console` (test/bench): HOALU_URL, and HOALU_TOKEN of an analyst. Prints a JSON
// object of figures, times in milliseconds.
import { chromium } from 'playwright-core';

const url = process.env.HOALU_URL;
const loads = 5;
const presses = 200;
const perSecond = 30;

const browser = await chromium.launch({
  executablePath: process.env.HOALU_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});

/** A context of its own has a cold cache. */
async function desk() {
  const c = await browser.newContext({
    viewport: { width: 1366, height: 768 },
    locale: 'vi-VN',
    extraHTTPHeaders: { Authorization: `Bearer ${process.env.HOALU_TOKEN}` },
  });
  const page = await c.newPage();
  await page.addInitScript(() => {
    const look = () => {
      if (window.usable === undefined && document.querySelector('.grid-body .grid-row[tabindex="0"]'))
        window.usable = performance.now();
      else requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
  await page.goto(`${url}/alerts`);
  await page.waitForFunction(() => window.usable !== undefined, undefined, { timeout: 120_000 });
  return { c, page };
}

const at = (values, q) => [...values].sort((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))];

const load = [];
for (let i = 0; i < loads; i++) {
  const { c, page } = await desk();
  load.push(await page.evaluate(() => window.usable));
  await c.close();
}

const { page } = await desk();
await page.locator('#preview .trace').first().waitFor();
await page.evaluate(() => {
  window.keys = new Map();
  window.long = [];
  new PerformanceObserver((l) => {
    for (const e of l.getEntries())
      if (e.interactionId) window.keys.set(e.interactionId, Math.max(window.keys.get(e.interactionId) ?? 0, e.duration));
  }).observe({ type: 'event', durationThreshold: 16 });
  new PerformanceObserver((l) => {
    for (const e of l.getEntries()) window.long.push(e.duration);
  }).observe({ type: 'longtask' });
});
const first = Number(await page.locator('.grid-row[data-current]').getAttribute('aria-rowindex'));
const began = Date.now();
for (let i = 0; i < presses; i++) {
  await page.keyboard.press('j');
  const wait = began + ((i + 1) * 1000) / perSecond - Date.now();
  if (wait > 0) await new Promise((f) => setTimeout(f, wait));
}
const took = Date.now() - began;
await page.waitForFunction(
  (n) => document.querySelector('.grid-row[data-current]')?.getAttribute('aria-rowindex') === String(n),
  first + presses,
);
const held = await page.evaluate(() => ({ keys: [...window.keys.values()], long: window.long }));
// a press under 16 ms has no entry
const pressed = [...held.keys, ...Array(Math.max(0, presses - held.keys.length)).fill(8)];

/** Does what changes the list; from its request to the second frame after the answer, or nothing when the answer was here already. */
async function changed(deed) {
  const asked = page
    .waitForRequest((r) => r.url().includes('/api/alerts?'), { timeout: 1500 })
    .then(
      () => true,
      () => false,
    );
  await page.evaluate(() => {
    window.painted = undefined;
    const o = new PerformanceObserver((l) => {
      const e = l.getEntries().find((x) => x.name.includes('/api/alerts?'));
      if (!e) return;
      o.disconnect();
      requestAnimationFrame(() => requestAnimationFrame(() => (window.painted = performance.now() - e.startTime)));
    });
    o.observe({ type: 'resource' });
  });
  await deed();
  if (!(await asked)) return [];
  return [await page.waitForFunction(() => window.painted).then((h) => h.jsonValue())];
}
const sort = [];
const filter = [];
for (const sev of ['critical', 'high', 'medium', 'critical,high', 'low,informational']) {
  filter.push(...(await changed(() => page.locator('.filter select').first().selectOption(sev))));
  for (const column of [0, 2, 3, 0, 1])
    sort.push(...(await changed(() => page.locator('.grid-head [role=columnheader] button').nth(column).click())));
}
for (let i = 0; i < 15; i++) filter.push(...(await changed(() => page.locator('.filter-field input').fill(`bench-${i}`))));

console.log(
  JSON.stringify({
    load: at(load, 0.5),
    loadWorst: Math.max(...load),
    key: at(pressed, 0.98),
    long: held.long.filter((d) => d > 50).length,
    rate: (presses * 1000) / took,
    sort: at(sort, 0.95),
    sortHalf: at(sort, 0.5),
    sorts: sort.length,
    filters: filter.length,
    filter: at(filter, 0.95),
    filterHalf: at(filter, 0.5),
  }),
);
await browser.close();
