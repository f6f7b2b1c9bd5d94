/** Every layer above a page: axe has nothing to say in either theme, the keyboard is in it, and all of it is in the window. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { axe, theme, themes } from './axe';
import { launch, loggedIn, open } from './desk';
import { layers } from './layers';

let browser: Browser;
let desk: BrowserContext;
beforeAll(async () => {
  browser = await launch();
  desk = await loggedIn(browser);
});
afterAll(() => browser.close());

it.each(themes)(
  '%s: every layer above a page is clean, holds the focus and is in sight',
  async (t) => {
    const page = await desk.newPage();
    await theme(page, t);
    const found: string[] = [];
    for (const l of await layers(desk)) {
      await open(page, l.path, 'vi');
      await l.act(page);
      await page.locator(l.sign).first().waitFor();
      found.push(...(await axe(page, `${l.name}, ${t}`)));
      const misplaced = await page.evaluate(() => {
        const box = document.querySelector('dialog[open]');
        if (!box) return [];
        const b = box.getBoundingClientRect();
        const out: string[] = [];
        if (!box.contains(document.activeElement)) out.push('the focus is not in it');
        if (b.left < 0 || b.right > innerWidth || b.top < 0 || b.bottom > innerHeight)
          out.push(`it stands at ${JSON.stringify(b)}`);
        for (const e of box.querySelectorAll<HTMLElement>('.sheet-actions button')) {
          const r = e.getBoundingClientRect();
          if (r.bottom > b.bottom || r.top < b.top) out.push(`out of sight: ${e.textContent}`);
        }
        return out;
      });
      found.push(...misplaced.map((m) => `${l.name}: ${m}`));
    }
    expect(found).toEqual([]);
    await page.close();
  },
  600_000,
);
