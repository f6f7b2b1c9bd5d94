/** The desk it is made for (1366×768) and a duty officer on the road (390 px): what decides is in sight, nothing is cut or runs over. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, loggedIn, open, url } from './desk';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

/** ours: no name that an attacker gave a machine (hostile.test), as long as he likes and longer than any row. */
const ours = (name: string | null) => !name?.includes('hlc');

/** Texts of these elements that stand on one another, as pairs. */
const overlaps = (page: Page, css: string) =>
  page.locator(css).evaluateAll((all) => {
    const boxes = all.flatMap((e) => {
      const text = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
      const out: { said: string; box: DOMRect }[] = [];
      for (let n = text.nextNode(); n; n = text.nextNode()) {
        if (n.parentElement?.closest('.sr')) continue;
        const range = document.createRange();
        range.selectNodeContents(n);
        out.push({ said: n.textContent ?? '', box: range.getBoundingClientRect() });
      }
      return out;
    });
    return boxes.flatMap(({ said, box: a }, i) =>
      boxes
        .slice(i + 1)
        .filter(({ box: b }) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1)
        .map((o) => `${said} / ${o.said}`),
    );
  });

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

  it.each(['vi', 'en'] as const)('%s: who did it stands whole in the audit log, its filters in one line', async (lang) => {
    const page = await desk.newPage();
    await open(page, '/audit', lang);
    await page.locator('.grid-body .grid-row').nth(5).waitFor();
    const cut = await page
      .locator('.grid-body .grid-row > :nth-child(2) > .cut')
      .evaluateAll((all) => all.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent));
    expect(cut.filter(ours)).toEqual([]);
    expect((await page.locator('.filter').boundingBox())?.height).toBeLessThan(50);
    await page.close();
  });

  it('a dialog’s form is as wide as the dialog', async () => {
    const page = await desk.newPage();
    const r = await desk.request.get(`${url}/api/systems?limit=1`);
    const id = ((await r.json()) as { items: { id: string }[] }).items[0]?.id;
    await open(page, `/systems/${id}?tab=assets`, 'vi');
    await page.locator('.card-head button.ant-btn').first().click();
    await page.locator('#asset-rows').waitFor();
    const [form, dialog] = await page.evaluate(() =>
      ['dialog .overlay-body', 'dialog'].map((s) => (document.querySelector(s) as HTMLElement).clientWidth),
    );
    expect(form).toBe(dialog);
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
    desk = await loggedIn(browser, { width: 390, height: 844, touch: true });
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

  it.each(['/admin', '/admin/accounts'])('%s: no cell of a table breaks to a word a line', async (path) => {
    const page = await desk.newPage();
    await open(page, path, 'vi');
    await page.locator('main h2').first().waitFor();
    const cells = await page.locator('table.plain td').evaluateAll((all) =>
      (all as HTMLElement[]).flatMap((td) => {
        const words = td.innerText.trim().split(/\s+/).length;
        if (words < 3 || td.querySelector('.chip, button, .link')) return [];
        const range = document.createRange();
        range.selectNodeContents(td);
        const lines = new Set([...range.getClientRects()].map((r) => Math.round(r.bottom / 8))).size;
        return [{ words, lines, said: td.innerText }];
      }),
    );
    expect(cells.length, 'cells of three words or more').toBeGreaterThan(0);
    expect(cells.filter((c) => c.lines > Math.ceil(c.words / 3))).toEqual([]);
    await page.close();
  });

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

  it.each(['/systems', '/sources', '/rules', '/audit', '/ledger', '/national'])(
    '%s: no head of a column lies on another',
    async (path) => {
      const page = await desk.newPage();
      await open(page, path, 'vi');
      await page.locator('.grid-head, .state').first().waitFor();
      expect(await overlaps(page, '.grid-head [role=columnheader]')).toEqual([]);
      await page.close();
    },
  );

  it('no time under the bars lies on another', async () => {
    const page = await desk.newPage();
    for (const path of ['/search?q=event.id:*&t=7d', '/search?q=event.id:*&t=24h', '/']) {
      await open(page, path, 'vi');
      await page.locator('.chart svg text').first().waitFor();
      expect(await overlaps(page, '.chart svg text'), path).toEqual([]);
    }
    await page.close();
  });

  it('a source that is touched has the place to itself, and gives it back', async () => {
    const page = await desk.newPage();
    await open(page, '/sources', 'vi');
    await page.locator('.grid-body .grid-row').nth(1).click();
    const facts = page.locator('aside .facts').first();
    await facts.waitFor();
    // state, last event and rate are read without scrolling
    const panel = await page.locator('aside .preview-in').boundingBox();
    const rate = await facts.locator('dd').nth(4).boundingBox();
    expect((rate?.y ?? 0) + (rate?.height ?? 0)).toBeLessThanOrEqual((panel?.y ?? 0) + (panel?.height ?? 0));
    await page.locator('aside .preview-head button').click();
    await page.locator('.grid-body .grid-row').nth(1).click({ trial: true });
    await page.close();
  });

  it('the head of an alert says severity, score and number in two lines, in English too', async () => {
    const page = await desk.newPage();
    await open(page, '/alerts', 'en');
    await page.locator('.grid-body .grid-row').first().click();
    await page.waitForURL(/\/alerts\/CB-/);
    const head = page.locator('.alert-page .alert-head');
    await head.waitFor();
    expect((await head.boundingBox())?.height).toBeLessThanOrEqual(60);
    await page.close();
  });

  it('on the road: from the queue to a closed alert by four touches, within seconds', async () => {
    const road = await loggedIn(browser, { width: 390, height: 844, theme: 'dark', touch: true });
    const page = await road.newPage();
    await open(page, '/alerts?sev=high', 'vi');
    await page.locator('.grid-body .grid-row').first().waitFor();
    // one that nobody has yet, as the queue has it
    const r = await page.request.get(`${url}/api/alerts?view=open&sort=-score&severity=high&limit=20`);
    const at = ((await r.json()) as { items: { state: string }[] }).items.findIndex((a) => a.state === 'new');
    expect(at).toBeGreaterThanOrEqual(0);
    // the queue has the screen: no preview takes half of it to show less than a page does
    expect(await page.locator('#preview').count()).toBe(0);
    expect(await page.locator('.grid').evaluate((e) => e.clientHeight / 76)).toBeGreaterThan(4);
    const from = Date.now();
    let touches = 0;
    const tap = async (css: string, nth = 0) => {
      const it = page.locator(css).nth(nth);
      await it.tap({ trial: true }); // stands still and is covered by nothing
      const box = await it.boundingBox();
      expect(Math.min(box?.height ?? 0, box?.width ?? 0), css).toBeGreaterThanOrEqual(24);
      // in sight as it stands: nothing has to be scrolled to
      expect((box?.y ?? 0) + (box?.height ?? 0), css).toBeLessThanOrEqual(844);
      await it.tap();
      touches++;
    };
    await tap('.grid-body .grid-row', at);
    await page.waitForURL(/\/alerts\/CB-/);
    await tap('.actions-bar .ant-btn-primary');
    await page.locator('.toast').waitFor();
    await tap('.actions-bar .ant-btn', 1);
    await tap('dialog .reason', 2);
    await page.locator('.toast .link').waitFor();
    await page.locator('.alert-head .chip', { hasText: 'Đã đóng' }).waitFor();
    expect(touches).toBe(4);
    expect(Date.now() - from).toBeLessThan(8000);
    // what was done by mistake is undone by one more, and the way back is one
    await tap('.toast .link');
    await page.locator('.alert-head .chip', { hasText: 'Đã đóng' }).waitFor({ state: 'detached' });
    await tap('.alert-page .page-head a');
    await page.locator('.grid-body .grid-row').first().waitFor();
    await road.close();
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
