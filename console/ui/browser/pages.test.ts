import AxeBuilder from '@axe-core/playwright';
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, loggedIn, open, pages, watch } from './desk';

let browser: Browser;
let desk: BrowserContext;
beforeAll(async () => {
  browser = await launch();
  desk = await loggedIn(browser);
});
afterAll(() => browser.close());

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

describe.each(['vi', 'en'] as const)('%s', (lang) => {
  it.each(pages)('$name: no serious finding of axe, no error, no foreign request', async ({ path }) => {
    const page = await desk.newPage();
    const trouble = watch(page);
    for (const theme of ['light', 'dark'] as const) {
      await page.addInitScript((t) => localStorage.setItem('hoalu.theme', t), theme);
      await open(page, path, lang);
      const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
      const bad = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
      expect(bad.map((v) => `${theme} ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).slice(0, 3)}`)).toEqual([]);
    }
    expect(await page.locator('html').getAttribute('lang')).toBe(lang);
    expect(trouble).toEqual({ errors: [], foreign: [] });
    await page.close();
  });

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
