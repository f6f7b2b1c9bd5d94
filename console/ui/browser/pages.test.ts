import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { axe, ground, theme } from './axe';
import { allPages, launch, loggedIn, open, pages, watch } from './desk';

let browser: Browser;
let desk: BrowserContext;
beforeAll(async () => {
  browser = await launch();
  desk = await loggedIn(browser);
});
afterAll(() => browser.close());
const grounds = new Set<string>();

// each page in both languages and in both themes; colours are the same in each language, so two of the four ways are enough
describe.each([
  ['vi', 'light'],
  ['en', 'dark'],
] as const)('%s', (lang, t) => {
  it('axe has nothing to say, no error, no foreign request', async () => {
    const page = await desk.newPage();
    const trouble = watch(page);
    await theme(page, t);
    const found: string[] = [];
    for (const { name, path } of await allPages(desk)) {
      await open(page, path, lang);
      found.push(...(await axe(page, `${name}, ${t}`)));
      expect(await page.locator('html').getAttribute('lang'), name).toBe(lang);
    }
    grounds.add(await ground(page));
    expect(found).toEqual([]);
    expect(trouble).toEqual({ errors: [], foreign: [] });
    await page.close();
  }, 600_000);

  it.each(pages)('$name: nothing under 11 px, nothing wider than the window', async ({ path }) => {
    const page = await desk.newPage();
    await open(page, path, lang);
    const found = await page.evaluate(() => {
      const out: string[] = [];
      for (const el of document.querySelectorAll<HTMLElement>('body *')) {
        if (![...el.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.textContent?.trim())) continue;
        if (el.closest('.sr, svg') || !el.offsetParent) continue;
        if (Number.parseFloat(getComputedStyle(el).fontSize) < 11) out.push(`${el.className} ${el.textContent?.slice(0, 40)}`);
      }
      if (document.documentElement.scrollWidth > innerWidth) out.push(`page is ${document.documentElement.scrollWidth} wide`);
      return out;
    });
    expect(found).toEqual([]);
    await page.close();
  });
});

it('the themes are two', () => expect(grounds.size).toBe(2));
