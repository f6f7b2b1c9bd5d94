/** What a person without a mouse meets: a ring at every stop, no page that moves, no button under a message. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allPages, launch, loggedIn, open } from './desk';

let browser: Browser;
let desk: BrowserContext;
let all: Awaited<ReturnType<typeof allPages>>;
beforeAll(async () => {
  browser = await launch();
  desk = await loggedIn(browser);
  all = await allPages(desk);
});
afterAll(() => browser.close());

/** The stop that has the focus: what it is, and what is wrong with its ring. */
const stop = (page: Page) =>
  page.evaluate(() => {
    const el = document.activeElement as HTMLElement | null;
    if (!el || el === document.body || el === document.documentElement) return null;
    const who = `<${el.tagName.toLowerCase()}${el.id ? ` id="${el.id}"` : ''} class="${el.className}"> ${(el.getAttribute('aria-label') ?? el.textContent ?? '').trim().slice(0, 40)}`;
    const w = window as unknown as { met?: Set<Element> };
    w.met ??= new Set();
    const again = w.met.has(el);
    w.met.add(el);
    const ringOf = (e: Element) => {
      const s = getComputedStyle(e);
      const width = Number.parseFloat(s.outlineWidth);
      if (s.opacity === '0') return undefined;
      return s.outlineStyle !== 'none' && width >= 2
        ? { width, offset: Number.parseFloat(s.outlineOffset), color: s.outlineColor }
        : undefined;
    };
    // a field may wear its ring on the box around it
    let ringed: Element = el;
    let ring = ringOf(el);
    for (let e = el.parentElement, up = 0; !ring && e && up < 3; e = e.parentElement, up++)
      if (e.matches(':focus-within')) {
        ring = ringOf(e);
        ringed = e;
      }
    if (!ring) return { again, who, wrong: 'no ring' };
    const want = getComputedStyle(document.documentElement).getPropertyValue('--focus').trim();
    const probe = document.createElement('i');
    probe.style.color = want;
    document.body.append(probe);
    const focus = getComputedStyle(probe).color;
    probe.remove();
    if (ring.color !== focus) return { again, who, wrong: `ring of colour ${ring.color}, not ${focus}` };
    // the ring may not be cut away by a box around it: each side must be inside all of them
    const b = ringed.getBoundingClientRect();
    const out = ring.offset + ring.width;
    const r = { top: b.top - out, left: b.left - out, right: b.right + out, bottom: b.bottom + out };
    const clip = { top: 0, left: 0, right: innerWidth, bottom: innerHeight };
    for (let e = ringed.parentElement; e; e = e.parentElement) {
      const s = getComputedStyle(e);
      if (s.overflowX === 'visible' && s.overflowY === 'visible' && s.contain !== 'strict') continue;
      const c = e.getBoundingClientRect();
      const inner = {
        top: c.top + e.clientTop,
        left: c.left + e.clientLeft,
        right: c.left + e.clientLeft + e.clientWidth,
        bottom: c.top + e.clientTop + e.clientHeight,
      };
      clip.top = Math.max(clip.top, inner.top);
      clip.left = Math.max(clip.left, inner.left);
      clip.right = Math.min(clip.right, inner.right);
      clip.bottom = Math.min(clip.bottom, inner.bottom);
    }
    const sides: string[] = [];
    // one pixel of each side is enough to be seen
    const seen = ring.width - 1;
    if (r.top + seen < clip.top) sides.push('top');
    if (r.left + seen < clip.left) sides.push('left');
    if (r.right - seen > clip.right) sides.push('right');
    if (r.bottom - seen > clip.bottom) sides.push('bottom');
    return { again, who, wrong: sides.length > 0 ? `ring cut: ${sides.join(', ')}` : '' };
  });

describe('focus', () => {
  it.each(['light', 'dark'] as const)(
    'shows a ring at every stop of every page, %s',
    async (theme) => {
      const wrong: string[] = [];
      const page = await desk.newPage();
      await page.addInitScript((t) => localStorage.setItem('hoalu.theme', t), theme);
      // the rings of the second theme are of the same rules: three pages tell
      for (const { name, path } of theme === 'light' ? all : all.filter((p) => /^(overview|alerts|posture)$/.test(p.name))) {
        await open(page, path, 'vi');
        let stops = 0;
        for (; stops < 160; stops++) {
          await page.keyboard.press('Tab');
          const s = await stop(page);
          if (s?.again) break;
          if (!s) continue; // past the last stop, before the first
          if (s.wrong) wrong.push(`${name}: ${s.who}: ${s.wrong}`);
        }
        expect(stops, `${name}: stops`).toBeGreaterThan(8);
      }
      expect(wrong).toEqual([]);
      await page.close();
    },
    600_000,
  );
});

describe('the search', () => {
  it('has its results a dozen stops behind the query at most', async () => {
    const page = await desk.newPage();
    await open(page, '/search?q=event.id:*&t=7d', 'vi');
    await page.locator('.grid-body .grid-row').first().waitFor();
    await page.locator('#query').focus();
    let stops = 0;
    for (; stops < 12; stops++) {
      await page.keyboard.press('Tab');
      if (await page.evaluate(() => document.activeElement?.classList.contains('skip-results'))) break;
    }
    await page.keyboard.press('Enter');
    expect(stops + 2).toBeLessThanOrEqual(12);
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('row');
    await page.close();
  });
});

describe('a click and a key', () => {
  it.each(['/', '/alerts', '/sources', '/admin'])('%s: a click on the page, then a key, frames no box of it', async (path) => {
    const page = await desk.newPage();
    await open(page, path, 'vi');
    await page.locator('main h1').first().click();
    await page.keyboard.press('Shift');
    await page.keyboard.press('x');
    const framed = await page.evaluate(() => {
      const el = document.activeElement;
      if (!el || el === document.body || el.matches('a, button, input, select, textarea, [role=row]')) return '';
      return getComputedStyle(el).outlineStyle === 'none' ? '' : `<${el.tagName} class="${el.className}">`;
    });
    expect(framed).toBe('');
    await page.close();
  });
});

describe('nothing moves', () => {
  it('the page itself never scrolls', async () => {
    const page = await desk.newPage();
    const wrong: string[] = [];
    for (const { name, path } of all) {
      await open(page, path, 'vi');
      wrong.push(
        ...(await page.evaluate((name) => {
          const root = document.documentElement;
          const main = document.querySelector('main') as HTMLElement;
          const out: string[] = [];
          if (root.scrollHeight > innerHeight) out.push(`${name}: the page is ${root.scrollHeight} of ${innerHeight} px high`);
          // a page with lists of its own fits: main shows no second scrollbar
          if (document.querySelector('.page-fixed') && main.scrollHeight > main.clientHeight)
            out.push(`${name}: main is ${main.scrollHeight} of ${main.clientHeight} px high`);
          return out;
        }, name)),
      );
    }
    expect(wrong).toEqual([]);
    await page.close();
  });

  it.each(['/alerts', '/sources', '/audit', '/rules'])('%s: j moves the row, not the list', async (path) => {
    const page = await desk.newPage();
    await open(page, path, 'vi');
    await page.locator('.grid-body .grid-row').nth(2).waitFor();
    const place = () =>
      page.evaluate(() => {
        const b = (document.querySelector('.grid') as HTMLElement).getBoundingClientRect();
        const main = document.querySelector('main') as HTMLElement;
        return [b.top, b.left, main.clientWidth, main.scrollTop, document.documentElement.scrollTop].map(Math.round);
      });
    const before = await place();
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('j');
      expect(await place()).toEqual(before);
    }
    await page.close();
  });
});

describe('a message', () => {
  it.each([
    { width: 1366, height: 768 },
    { width: 390, height: 844 },
  ])('covers no button at $width px', async ({ width, height }) => {
    const small = await loggedIn(browser, { width, height });
    const page = await small.newPage();
    await open(page, all.find((p) => p.name === 'alert')?.path ?? '', 'vi');
    await page.locator('.actions-bar button').first().waitFor();
    await page.keyboard.press('y');
    await page.locator('.toast').waitFor();
    for (const path of ['', '/alerts']) {
      if (path) {
        await page.evaluate((p) => {
          history.pushState(null, '', p);
          dispatchEvent(new PopStateEvent('popstate'));
        }, path);
        await page.locator('.grid-body .grid-row').first().waitFor();
        await page.keyboard.press('y');
        await page.locator('.toast').waitFor();
      }
      const covered = await page.evaluate(() => {
        const toast = document.querySelector('.toast') as HTMLElement;
        const t = toast.getBoundingClientRect();
        if (t.width === 0 || t.right > innerWidth + 1 || t.bottom > innerHeight + 1)
          return [`the message is at ${JSON.stringify(t)}`];
        const out: string[] = [];
        for (const el of document.querySelectorAll<HTMLElement>(
          'main :is(a[href], button, input, select, [role=row]), .top :is(a[href], button), .rail :is(a[href], button)',
        )) {
          const b = el.getBoundingClientRect();
          if (b.width === 0 || b.bottom <= 0 || b.top >= innerHeight) continue;
          if (el.closest('.grid, .preview-in, .queue, main')) {
            // what is scrolled out of its box is not in sight anyway
            const box = (
              el.closest('.grid, .preview-in, .table-wrap') ?? (document.querySelector('main') as HTMLElement)
            ).getBoundingClientRect();
            if (
              b.top >= box.bottom ||
              b.bottom <= box.top ||
              b.bottom > (document.querySelector('main') as HTMLElement).getBoundingClientRect().bottom
            )
              continue;
          }
          if (b.left < t.right && b.right > t.left && b.top < t.bottom && b.bottom > t.top)
            out.push(`${el.tagName} ${el.textContent?.slice(0, 30)}`);
        }
        return out;
      });
      expect(covered, path || 'alert').toEqual([]);
    }
    await small.close();
  });
});
