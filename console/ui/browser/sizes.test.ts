/** The desk it is made for (1366×768) and a duty officer on the road (390 px): what decides is in sight, nothing is cut or runs over. */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, loggedIn, open, url } from './desk';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** ours: no name that an attacker gave a machine (hostile.test), as long as he likes and longer than any row. */
const ours = (name: string | null) => !name?.includes('hlc');

describe('1366×768', () => {
  let desk: BrowserContext;
  beforeAll(async () => {
    desk = await loggedIn(browser);
  });
  afterAll(() => desk.close());

  it('the queue shows whole titles; the preview shows the reason and three steps without scrolling', async () => {
    const page = await desk.newPage();
    await open(page, '/alerts', 'vi');
    await page.locator('.grid-body .grid-row').nth(5).waitFor();
    const cut = await page
      .locator('.grid-body .title')
      .evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent));
    expect(cut).toEqual([]);
    for (let i = 0; i < 5; i++) {
      await page.locator('#preview .steps li').nth(2).waitFor();
      const hidden = await page.evaluate(() => {
        const box = (document.querySelector('#preview .preview-in') as HTMLElement).getBoundingClientRect();
        return [...document.querySelectorAll('#preview .preview-title, #preview .why, #preview .trace, #preview .steps li')]
          .filter((e) => !e.closest('details:not([open])') && e.getBoundingClientRect().bottom > box.bottom + 1)
          .map(
            (e) =>
              `${document.querySelector('#preview .preview-title')?.textContent}: ${e.className} ${e.textContent?.slice(0, 40)}`,
          );
      });
      expect(hidden).toEqual([]);
      const before = await page.locator('#preview .alert-head .num.end').innerText();
      await page.keyboard.press('j');
      await page.waitForFunction(
        (n) => document.querySelector<HTMLElement>('#preview .alert-head .num.end')?.innerText !== n,
        before,
      );
    }
    await page.close();
  });

  it.each([
    ['vi', '/', '.next .title'],
    ['en', '/', '.next .title'],
    ['vi', '/alerts?view=all', '.grid-body .title'],
    ['en', '/alerts?view=all', '.grid-body .title'],
    ['vi', '/systems', '.grid-body .title'],
    ['vi', '/sources', '.grid-body .title'],
    ['vi', '/rules', '.grid-body .title, .grid-body .ev-wrap'],
    ['vi', '/search?q=event.id:*&t=7d', '.field-name .cut'],
  ] as const)('%s %s: what names a row stands whole', async (lang, path, css) => {
    const page = await desk.newPage();
    await open(page, path, lang);
    const all = page.locator(css);
    await all.first().waitFor();
    const cut = await all.evaluateAll((all) =>
      all
        .filter((e) => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
        .filter((e) => e.clientWidth > 0)
        .map((e) => e.textContent),
    );
    expect(cut.filter(ours)).toEqual([]);
    expect(await all.count()).toBeGreaterThan(4);
    await page.close();
  });

  it('the group view previews its first alert', async () => {
    const page = await desk.newPage();
    await open(page, '/alerts?group=rule', 'vi');
    await page.locator('.grid-row.group-row').first().waitFor();
    await page.locator('#preview .steps li').first().waitFor();
    await page.close();
  });

  it('the posture page scrolls as one, with the fix in sight', async () => {
    const page = await desk.newPage();
    const r = await desk.request.get(`${url}/api/systems?limit=1`);
    const id = ((await r.json()) as { items: { id: string }[] }).items[0]?.id;
    await open(page, `/systems/${id}`, 'vi');
    await page.locator('.requirement .fix li').first().waitFor();
    const deep = await page.evaluate(() => {
      const out: string[] = [];
      const scrolls = (e: Element) => /auto|scroll/.test(getComputedStyle(e).overflowY) && e.scrollHeight > e.clientHeight + 1;
      for (const e of document.querySelectorAll('main, main *')) {
        let n = 0;
        for (let x: Element | null = e; x && x !== document.body; x = x.parentElement) if (scrolls(x)) n++;
        if (scrolls(e) && n > 2) out.push(`${e.className}: ${n} nested`);
      }
      return out;
    });
    expect(deep).toEqual([]);
    const fix = await page
      .locator('.requirement .fix li')
      .first()
      .evaluate((e) => e.getBoundingClientRect().bottom);
    expect(fix).toBeLessThan(768 - 28 - 52);
    await page.close();
  });
});

describe('390 px', () => {
  let desk: BrowserContext;
  beforeAll(async () => {
    desk = await loggedIn(browser, { width: 390, height: 844 });
  });
  afterAll(() => desk.close());

  it.each(['/', '/alerts', '/systems', '/sources', '/admin'])('%s: nothing runs over the side', async (path) => {
    const page = await desk.newPage();
    await open(page, path, 'vi');
    const over = await page.evaluate(() => {
      const main = document.querySelector('main') as HTMLElement;
      return [document.documentElement.scrollWidth - innerWidth, main.scrollWidth - main.clientWidth].filter((n) => n > 0);
    });
    expect(over).toEqual([]);
    // a count does not lie on its icon
    const covered = await page.locator('.rail a:has(.rail-count)').evaluateAll(
      (all) =>
        all.filter((a) => {
          const icon = (a.querySelector('svg') as SVGElement).getBoundingClientRect();
          const count = (a.querySelector('.rail-count') as HTMLElement).getBoundingClientRect();
          return count.top < icon.bottom - 2 && count.left < icon.right;
        }).length,
    );
    expect(covered).toBe(0);
    await page.close();
  });

  it.each(['/alerts', '/systems', '/sources', '/rules', '/audit'])(
    '%s: filters and the names of rows stand whole',
    async (path) => {
      const page = await desk.newPage();
      await open(page, path, 'vi');
      await page.locator('.grid-body .grid-row').nth(1).waitFor();
      const cut = await page.evaluate(() => {
        const out: string[] = [];
        const measure = document.createElement('canvas').getContext('2d') as CanvasRenderingContext2D;
        for (const s of document.querySelectorAll<HTMLSelectElement>('.filter select')) {
          const style = getComputedStyle(s);
          measure.font = style.font;
          const room = s.clientWidth - Number.parseFloat(style.paddingLeft) - Number.parseFloat(style.paddingRight);
          const word = s.selectedOptions[0]?.text ?? '';
          if (measure.measureText(word).width > room) out.push(word);
        }
        for (const e of document.querySelectorAll<HTMLElement>('.grid-body .title'))
          if (e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1) out.push(e.textContent ?? '');
        return out;
      });
      expect(cut.filter(ours)).toEqual([]);
      await page.close();
    },
  );

  it('the legend of the ledger lies on no time of its axis', async () => {
    const page = await desk.newPage();
    await open(page, '/ledger', 'vi');
    const over = await page.locator('.heat figcaption').evaluate((cap) => {
      const box = (e: Element) => e.getBoundingClientRect();
      const times = [...cap.querySelectorAll(':scope > .num')].map(box);
      const words = [...cap.querySelectorAll('.legend > span')].map(box);
      return words.filter((w) =>
        times.some((t) => w.left < t.right && w.right > t.left && w.top < t.bottom - 1 && w.bottom > t.top + 1),
      ).length;
    });
    expect(over).toBe(0);
    await page.close();
  });

  it('an alert is read, taken and closed by touch', async () => {
    const page = await desk.newPage();
    await open(page, '/alerts?sev=high', 'vi');
    const row = page.locator('.grid-body .grid-row').nth(1);
    await row.waitFor();
    const lines = await row.locator('.title').evaluate((e) => e.scrollHeight <= e.clientHeight + 1 && e.clientWidth > 150);
    expect(lines).toBe(true);
    await row.click();
    await page.locator('#preview .trace').first().waitFor();
    const number = (await page.locator('#preview .alert-head .num.end').innerText()).split(/\s/)[0] as string;
    await page.goto(`${url}/alerts/${number}`);
    await page.locator('.actions-bar .ant-btn-primary').click();
    await page.locator('.toast').waitFor();
    await page.locator('.actions-bar .ant-btn').nth(1).click();
    const reason = page.locator('dialog .reason').nth(2);
    await reason.waitFor();
    expect((await reason.boundingBox())?.height).toBeGreaterThanOrEqual(24);
    await reason.click();
    await page.locator('.toast .link').waitFor();
    await page.locator('.toast .link').click();
    await page.close();
  });

  it('the first page’s card stays inside', async () => {
    const c = await browser.newContext({ viewport: { width: 390, height: 844 }, locale: 'vi-VN' });
    const page = await c.newPage();
    await page.goto(`${url}/`);
    await page.locator('#login').waitFor();
    const b = await page.locator('.entry-card').boundingBox();
    expect(b?.x).toBeGreaterThanOrEqual(0);
    expect((b?.x ?? 0) + (b?.width ?? 0)).toBeLessThanOrEqual(390);
    // our words beside the field, not the browser's bubble; language and theme without an account
    await page.locator('form button[type=submit]').click();
    expect(await page.locator('.wrong').count()).toBe(2);
    expect(await page.locator('#login').getAttribute('aria-describedby')).toBe('login-wrong');
    await page.locator('.entry-switch button').nth(1).click();
    await page.locator('html[lang=en]').waitFor();
    await page.locator('.entry-switch button').nth(0).click();
    await page.locator('html[data-theme=dark]').waitFor();
    await c.close();
  });
});
