/** The console enlarged on the desk it is made for (1366×768), in forced colours and without motion. */
import AxeBuilder from '@axe-core/playwright';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, loggedIn, open, watch } from './desk';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const places = [
  '/',
  '/alerts',
  '/search?q=event.id:*&t=7d',
  '/systems',
  '/sources',
  '/ledger',
  '/rules',
  '/national',
  '/audit',
  '/admin',
  '/admin/accounts',
];

/** What does not fit: the page itself, and boxes that scroll sideways without a name or a way to reach them by key. */
const unfit = (page: Page) =>
  page.evaluate(() => {
    const out: string[] = [];
    const root = document.documentElement;
    if (root.scrollWidth > innerWidth) out.push(`page is ${root.scrollWidth} of ${innerWidth} px wide`);
    for (const el of document.querySelectorAll<HTMLElement>('body *')) {
      if (el.scrollWidth <= el.clientWidth + 1 || el.clientWidth === 0) continue;
      const style = getComputedStyle(el);
      if (!/auto|scroll/.test(style.overflowX)) continue;
      const what = `<${el.tagName.toLowerCase()} class="${el.className}"> ${el.scrollWidth} of ${el.clientWidth} px`;
      if (el.matches('main, .page, .page-body')) out.push(`the page scrolls sideways: ${what}`);
      const named = el.closest('[aria-label],[aria-labelledby]');
      if (!named || named === document.body) out.push(`no name: ${what}`);
      if (el.tabIndex < 0 && !el.querySelector('a[href],button,input,select,[tabindex="0"]'))
        out.push(`not to be reached: ${what}`);
    }
    return out;
  });

describe.each([
  { zoom: 200, width: 683, height: 384, places: ['/', '/alerts', '/search?q=event.id:*&t=7d', '/systems', '/admin/accounts'] },
  { zoom: 400, width: 342, height: 192, places },
])('$zoom %', ({ zoom, width, height, places }) => {
  let desk: BrowserContext;
  beforeAll(async () => {
    desk = await loggedIn(browser, { width, height });
  });
  afterAll(() => desk.close());

  it.each(places)('%s reads without scrolling the page sideways', async (path) => {
    const page = await desk.newPage();
    const trouble = watch(page);
    await open(page, path, 'vi');
    expect(await unfit(page)).toEqual([]);
    expect(await page.locator('.rail').evaluate((e) => e.getBoundingClientRect().width)).toBeLessThanOrEqual(52);
    const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
    const bad = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
    expect(bad.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 160)).slice(0, 3)}`)).toEqual([]);
    expect(trouble).toEqual({ errors: [], foreign: [] });
    await page.close();
  });

  it('stacks the preview under the queue, each usable', async () => {
    const page = await desk.newPage();
    await open(page, '/alerts', 'vi');
    await page.locator('#preview .trace').first().waitFor();
    const [list, preview] = await page.evaluate(() =>
      ['.queue-list', '.preview'].map((s) => {
        const b = (document.querySelector(s) as HTMLElement).getBoundingClientRect();
        return { left: b.left, right: b.right, top: b.top, bottom: b.bottom };
      }),
    );
    expect(preview?.top).toBeGreaterThanOrEqual((list?.bottom ?? 0) - 1);
    expect(preview?.left).toBe(list?.left);
    expect(preview?.right).toBeLessThanOrEqual(width);
    expect((list?.bottom ?? 0) - (list?.top ?? 0)).toBeGreaterThanOrEqual(140);
    // the row in use is in sight after every key
    await page.keyboard.press('End');
    await page.keyboard.press('k');
    const seen = () =>
      page.locator('.grid-row[data-current]').evaluate((row) => {
        const b = row.getBoundingClientRect();
        const at = document.elementFromPoint(b.left + 40, b.top + b.height / 2);
        return row.contains(at);
      });
    await expect.poll(seen, { timeout: 2000 }).toBe(true); // at its end a long list asks for more
    // and so is the last line of the preview, once scrolled to
    await page.locator('#preview .actions-bar button').last().click({ trial: true });
    await page.close();
  });

  // at 200 % the page has the room for two
  if (zoom < 400) return;
  it('the alert’s own page reads in one column', async () => {
    const page = await desk.newPage();
    await open(page, '/alerts', 'vi');
    await page.locator('.grid-row[data-current]').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.alert-page .trace').first().waitFor();
    const lefts = await page
      .locator('.alert-page .card')
      .evaluateAll((all) => [...new Set(all.map((e) => Math.round(e.getBoundingClientRect().left)))]);
    expect(lefts).toHaveLength(1);
    expect(await unfit(page)).toEqual([]);
    await page.close();
  });
});

describe('forced colours', () => {
  it('keep the signs: shape, word and an ink of their own', async () => {
    const desk = await loggedIn(browser);
    const page = await desk.newPage();
    await page.emulateMedia({ forcedColors: 'active' });
    for (const path of ['/alerts', '/systems', '/sources']) {
      await open(page, path, 'vi');
      await page.locator('.grid-body .grid-row').first().waitFor();
      const lost = await page.evaluate(() => {
        const out: string[] = [];
        const rgb = (c: string) => (c.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);
        for (const sign of document.querySelectorAll('.grid-body :is(.sev, .pos)')) {
          let ground = 'rgb(255, 255, 255)';
          for (let e: Element | null = sign; e; e = e.parentElement) {
            const b = getComputedStyle(e).backgroundColor;
            if (!/, 0\)$|transparent/.test(b)) {
              ground = b;
              break;
            }
          }
          const inks = [...sign.querySelectorAll('svg *')].flatMap((p) => {
            const s = getComputedStyle(p);
            return [s.fill, s.stroke].filter((c) => c !== 'none');
          });
          const away = (c: string) => rgb(c).reduce((n, v, i) => n + Math.abs(v - (rgb(ground)[i] ?? 0)), 0);
          if (!inks.some((c) => away(c) > 150)) out.push(`${sign.className}: ${inks} on ${ground}`);
          if (!sign.textContent?.trim()) out.push(`${sign.className}: no word`);
        }
        return [...new Set(out)];
      });
      expect(lost).toEqual([]);
    }
    // the row in use and the focus are told apart without background colours
    const mark = await page
      .locator('.grid-row[data-current], .grid-row[tabindex="0"]')
      .first()
      .evaluate((e) => {
        (e as HTMLElement).focus();
        const s = getComputedStyle(e);
        return { outline: s.outlineStyle, width: Number.parseFloat(s.outlineWidth) };
      });
    expect(mark.outline).not.toBe('none');
    expect(mark.width).toBeGreaterThanOrEqual(2);
    await desk.close();
  });
});

describe('reduced motion', () => {
  it('nothing moves when layers open', async () => {
    const desk = await loggedIn(browser);
    const page = await desk.newPage();
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await open(page, '/alerts', 'vi');
    await page.evaluate(() => {
      const w = window as unknown as { ran: string[] };
      w.ran = [];
      for (const kind of ['animationstart', 'transitionrun'] as const)
        addEventListener(kind, (e) => w.ran.push(`${kind} ${(e.target as Element).className}`), true);
    });
    await page.locator('.top-end .top-button').nth(2).click();
    await page.locator('.ant-dropdown-menu').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.locator('.palette-field').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('c');
    await page.locator('dialog .reason').first().waitFor();
    await page.keyboard.press('Escape');
    expect(await page.evaluate(() => (window as unknown as { ran: string[] }).ran)).toEqual([]);
    await desk.close();
  });
});
