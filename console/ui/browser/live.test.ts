/**
 * Alerts arrive while somebody reads the queue: nothing in sight moves, the button counts, memory stays. The long run is
 * `HOALU_LIVE_SECONDS=600 HOALU_LIVE_RATE=50 HOALU_LIVE_RULES=120 test/browser.sh live`: each of the rules live-0 … of test/browser.sh
 * makes at most 30 alerts a minute.
 */
import type { Browser, BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { launch, loggedIn, open, url, watch } from './desk';
import { bulk, until } from './intake';

const seconds = Number(process.env.HOALU_LIVE_SECONDS ?? 12);
const rate = Number(process.env.HOALU_LIVE_RATE ?? 40);
const rules = Number(process.env.HOALU_LIVE_RULES ?? 40);

let browser: Browser;
let desk: BrowserContext;
beforeAll(async () => {
  browser = await launch();
  desk = await loggedIn(browser);
});
afterAll(() => browser.close());

it(
  `${rate} new alerts a second for ${seconds} s move nothing`,
  async () => {
    const page = await desk.newPage();
    const trouble = watch(page);
    await open(page, '/alerts', 'vi');
    const rows = page.locator('.grid-body .grid-row');
    await rows.nth(5).waitFor();
    await page.locator('#preview .trace').first().waitFor();
    await page.locator('#preview .minibars').waitFor();
    const cdp = await desk.newCDPSession(page);
    const heap = async () => {
      await cdp.send('HeapProfiler.collectGarbage');
      return (await cdp.send('Runtime.getHeapUsage')).usedSize;
    };
    const standing = () =>
      rows.evaluateAll((all) => all.map((r) => [r.querySelector('.title')?.textContent, r.getBoundingClientRect().top]));
    const before = await standing();
    const used = await heap();
    await page.evaluate(() => {
      const w = window as unknown as { moved: string[]; said: string[] };
      w.moved = [];
      w.said = [];
      new PerformanceObserver((l) => {
        for (const e of l.getEntries() as (PerformanceEntry & {
          value: number;
          hadRecentInput: boolean;
          sources: { node: Node | null }[];
        })[])
          for (const s of e.sources) {
            const el = s.node instanceof Element ? s.node : s.node?.parentElement;
            if (!e.hadRecentInput && el?.closest('.queue')) w.moved.push(`${e.value.toFixed(5)} ${el.className}`);
          }
      }).observe({ type: 'layout-shift' });
      const place = document.querySelector('.new-place') as HTMLElement;
      new MutationObserver(() => w.said.push(place.innerText.trim())).observe(place, {
        childList: true,
        subtree: true,
        characterData: true,
      });
    });
    const run = Date.now().toString(36);
    const began = Date.now();
    let sent = 0;
    // by the clock: what a slow moment left out is made up for
    while (sent < seconds * rate) {
      const due = Math.min(seconds * rate, Math.floor(((Date.now() - began) / 1000) * rate) + 1);
      const docs = [];
      for (; sent < due; sent++)
        docs.push({
          '@timestamp': new Date().toISOString(),
          host: { name: `live-${run}-${sent}` },
          user: { name: `live-${sent % rules}-${run}` },
          source: { ip: '198.51.100.77' },
          event: { kind: 'event', category: ['authentication'], action: 'ssh_login', outcome: 'success' },
          sigma: { logsource: { product: 'linux', service: 'sshd' } },
        });
      if (docs.length > 0) await bulk(docs);
      await new Promise((f) => setTimeout(f, 50));
    }
    await until<{ total: number }>(desk, `/api/alerts?q=live-${run}&limit=1`, (a) => a.total === sent);
    await page.waitForFunction(
      (n) => (document.querySelector('.new-place') as HTMLElement).innerText.includes(n),
      waitingText(sent),
    );
    const now = await page.evaluate(() => {
      const w = window as unknown as { moved: string[]; said: string[] };
      return { moved: w.moved, said: w.said.map((s) => Number.parseInt(s.replace(/\D/g, ''), 10)).filter(Number.isFinite) };
    });
    expect(now.moved).toEqual([]);
    expect(await standing()).toEqual(before);
    expect(now.said.length).toBeGreaterThan(2);
    expect(now.said).toEqual([...now.said].sort((a, b) => a - b));
    const grown = (await heap()) - used;
    expect(grown, 'bytes of heap more than before').toBeLessThan(10 << 20);
    // taken in only when asked
    await page.keyboard.press('.');
    await page.waitForFunction(() => document.querySelector('.new-place .ant-btn-primary') === null);
    const total = (await (await desk.request.get(`${url}/api/alerts?limit=1`)).json()) as { total: number };
    await page.waitForFunction(
      (n) => document.querySelector('[role=grid]')?.getAttribute('aria-rowcount') === String(n + 1),
      total.total,
    );
    expect(trouble).toEqual({ errors: [], foreign: [] });
    await page.close();
  },
  (seconds + 90) * 1000,
);

/** What the button says of n alerts. */
function waitingText(n: number): string {
  return `${new Intl.NumberFormat('vi-VN').format(n)} cảnh báo mới`;
}
