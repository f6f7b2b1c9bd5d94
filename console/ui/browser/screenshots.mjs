// Saves each page in vi and en, light and dark, 1366×768, to HOALU_SCREENSHOTS (default screenshots/). Runs the TypeScript desk
// through vite's transformer, so that there is one description of the pages.
import { mkdirSync } from 'node:fs';
import { createServer } from 'vite';

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
const out = process.env.HOALU_SCREENSHOTS ?? `${root}screenshots`;
mkdirSync(out, { recursive: true });
const browser = await launch();
try {
  for (const lang of ['vi', 'en']) {
    for (const theme of ['light', 'dark']) {
      const desk = await loggedIn(browser, { lang, theme });
      const page = await desk.newPage();
      await page.addInitScript((t) => localStorage.setItem('hoalu.theme', t), theme);
      const all = [...pages];
      const answer = await desk.request.get(`${url}/api/systems?limit=1`);
      const system = answer.ok() ? (await answer.json()).items?.[0]?.id : undefined;
      if (system) all.push({ name: 'posture', path: `/systems/${system}` });
      const alerts = await desk.request.get(`${url}/api/alerts?limit=1`);
      const alert = alerts.ok() ? (await alerts.json()).items?.[0]?.number : undefined;
      if (alert) all.push({ name: 'alert', path: `/alerts/${alert}` });
      for (const { name, path } of all) {
        await open(page, path, lang);
        await page.evaluate((t) => {
          document.documentElement.dataset.theme = t;
        }, theme);
        await page.waitForTimeout(400);
        await page.screenshot({ path: `${out}/${name}-${lang}-${theme}.png` });
      }
      await desk.close();
    }
  }
} finally {
  await browser.close();
  await vite.close();
}
console.log(out);
