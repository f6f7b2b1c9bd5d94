// Saves a picture of each page and of each layer above a page to HOALU_SCREENSHOTS (default screenshots/). Which looks: the arguments, or
// HOALU_LOOKS, as language-theme-WIDTHxHEIGHT; without any, what a reviewer opens (both languages and themes, the desk and the phone).
// Layers are taken in the looks that end in "+layers". Runs the TypeScript desk through vite's transformer, so that there is one
// description of the pages.
import { mkdirSync } from 'node:fs';
import { createServer } from 'vite';

const reviewed = [
  'vi-light-1366x768+layers',
  'vi-dark-1366x768',
  'en-light-1366x768',
  'en-dark-1366x768+layers',
  'vi-light-390x844',
  'vi-dark-390x844+layers',
  'en-light-390x844',
  'en-dark-390x844',
];
const root = new URL('..', import.meta.url).pathname;
const vite = await createServer({
  root,
  configFile: false,
  server: { middlewareMode: true },
  appType: 'custom',
  logLevel: 'error',
  optimizeDeps: { noDiscovery: true, include: [] },
});
const { launch, loggedIn, open, pages, url } = await vite.ssrLoadModule('/browser/desk.ts');
const { layers } = await vite.ssrLoadModule('/browser/layers.ts');
const out = process.env.HOALU_SCREENSHOTS ?? `${root}screenshots`;
mkdirSync(out, { recursive: true });

const asked = [...process.argv.slice(2), ...(process.env.HOALU_LOOKS ?? '').split(/\s+/)].filter(Boolean);
const looks = (asked.length > 0 ? asked : reviewed).map((name) => {
  const m = /^(vi|en)-(light|dark)-(\d+)x(\d+)(\+layers)?$/.exec(name);
  if (!m) throw new Error(`${name}: a look is language-theme-WIDTHxHEIGHT, with +layers for dialogs and menus, too`);
  return { lang: m[1], theme: m[2], width: Number(m[3]), height: Number(m[4]), above: m[5] !== undefined };
});

/** The pages of the list, and those of a system and an alert, which have numbers of their own. */
async function everyPage(desk) {
  const first = async (path) => (await (await desk.request.get(`${url}${path}`)).json()).items?.[0];
  const all = [...pages];
  const system = (await first('/api/systems?limit=1'))?.id;
  const alert = (await first('/api/alerts?limit=1'))?.number;
  if (system) for (const tab of ['posture', 'assets']) all.push({ name: tab, path: `/systems/${system}?tab=${tab}` });
  if (alert) all.push({ name: 'alert', path: `/alerts/${alert}` });
  return all;
}

const browser = await launch();
const missed = [];
try {
  for (const { lang, theme, width, height, above } of looks) {
    const desk = await loggedIn(browser, { lang, theme, width, height });
    const page = await desk.newPage();
    await page.addInitScript((t) => localStorage.setItem('hoalu.theme', t), theme);
    const end = `${lang}-${theme}-${width}`;
    const show = async (path) => {
      await open(page, path, lang);
      await page.evaluate((t) => {
        document.documentElement.dataset.theme = t;
      }, theme);
      await page.waitForTimeout(400);
    };
    for (const { name, path } of await everyPage(desk)) {
      await show(path);
      await page.screenshot({ path: `${out}/${name}-${end}.png` });
    }
    for (const { name, path, act, sign } of above ? await layers(desk) : []) {
      await show(path);
      try {
        await act(page);
        await page.locator(sign).first().waitFor({ timeout: 5000 });
        await page.waitForTimeout(300);
        await page.screenshot({ path: `${out}/layer-${name}-${end}.png` });
      } catch (e) {
        missed.push(`${name} in ${end}: ${String(e).split('\n')[0]}`);
        await page.screenshot({ path: `${out}/missed-${name}-${end}.png` });
      }
    }
    await desk.close();
  }
} finally {
  await browser.close();
  await vite.close();
}
console.log(out);
if (missed.length > 0) {
  console.error(`not opened: ${missed.join('; ')}`);
  process.exit(1);
}
