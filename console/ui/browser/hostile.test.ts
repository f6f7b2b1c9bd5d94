/**
 * What others wrote, sent in as they would send it and looked at on every page that shows it: nothing runs, nothing moves, no row
 * bursts, and no character that reorders or hides reaches the screen or an attribute unboxed.
 */
import { createServer } from 'node:http';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { corpus, MARK } from '../evidence/corpus';
import { loggedIn, open, url } from './desk';
import { bulk, syslog, until } from './intake';
import { browser, desk, page, watched } from './watched';

watched();

const texts = Object.entries(corpus);
const mega = `${MARK} mega ${'0123456789abcdef'.repeat(65_000)}`;

/** Every text as name of a host, of a user, of a field, as command, as file and as message. */
function documents(): unknown[] {
  const at = new Date().toISOString();
  return texts.map(([name, text], i) => ({
    '@timestamp': at,
    message: text,
    host: { name: i % 2 ? text : `may-${name}` },
    user: { name: text },
    source: { ip: '198.51.100.9' },
    process: { command_line: `${text} ${name}`, executable: text, name: text, parent: { name: text } },
    file: { name: text, path: `/tmp/${text}` },
    url: { original: text },
    labels: { [text.slice(0, 200)]: text },
    event: { kind: 'event', category: ['process'], action: text, original: text },
    sigma: { logsource: { product: 'linux', category: 'process_creation' } },
  }));
}

function messages(): (string | Buffer)[] {
  const at = new Date().toISOString();
  return [
    ...texts.flatMap(([, text]) => [
      // the header takes printable ASCII; a sender that does not care about that sends it anyway
      `<86>1 ${at} ${text.replace(/\s/g, '_').slice(0, 255)} sshd 7 - - Accepted password for ${text} from 198.51.100.9 port 5000 ssh2`,
      `<13>1 ${at} may-la ung-dung 7 - [hlc@1 x="${text.slice(0, 400).replace(/["\\\]]/g, '\\$&')}"] ${text}`,
      `<34>Nov 22 10:00:00 may-la su: ${text}`,
    ]),
    Buffer.concat([
      Buffer.from(`<13>1 ${at} may-la ung-dung 7 - - ${MARK} bytes `),
      Buffer.from([0xff, 0xfe, 0x80, 0xc3, 0x28, 0xed, 0xa0, 0x80, 0xf0, 0x9f, 0x00]),
    ]),
    `<13>1 ${at} may-la ung-dung 7 - - ${mega}`,
  ];
}

beforeAll(async () => {
  await syslog(messages());
  await bulk(documents());
  const all = 4 * texts.length + 2 - 3; // in three events of "wide" the mark begins a longer word
  const from = Date.now() - 400 * 86_400_000; // the messages of su are of the last 22 November
  await until<{ total: number }>(desk, `/api/events?query=${MARK}&from=${from}&limit=1`, (a) => a.total >= all);
  await until<{ total: number }>(desk, `/api/alerts?view=all&q=${MARK}&limit=1`, (a) => a.total >= texts.length);
});
beforeEach(async () => {
  await page.addInitScript(() => {
    const w = window as unknown as { refused: string[]; moved: string[] };
    w.refused = [];
    w.moved = [];
    document.addEventListener('securitypolicyviolation', (e) => w.refused.push(`${e.violatedDirective} ${e.blockedURI}`));
    new PerformanceObserver((l) => {
      for (const e of l.getEntries() as (PerformanceEntry & {
        value: number;
        hadRecentInput: boolean;
        sources: { node: Element | null }[];
      })[])
        for (const s of e.sources)
          if (!e.hadRecentInput && s.node instanceof Element && s.node.closest('[role=grid]'))
            w.moved.push(`${e.value.toFixed(4)} ${s.node.className}`);
    }).observe({ type: 'layout-shift', buffered: true });
  });
});

/** Says what is wrong with what the page shows now, and how many elements show a text of the corpus. */
async function look(): Promise<{ wrong: string[]; shown: number }> {
  return page.evaluate((mark) => {
    const w = window as unknown as { ran?: string; refused: string[]; moved: string[] };
    const wrong: string[] = [];
    const say = (what: string, el: Element, text: string) =>
      wrong.push(
        `${what}: <${el.tagName.toLowerCase()} class="${el.getAttribute('class') ?? ''}"> ${JSON.stringify(text.slice(0, 90))}`,
      );
    if (w.ran) wrong.push(`ran: ${w.ran}`);
    for (const r of w.refused) wrong.push(`content policy: ${r}`);
    for (const m of w.moved) wrong.push(`moved: ${m}`);
    // what has no ink, reorders or is a terminal's business; a line break and a tab are layout in a text, not in an attribute
    const strange =
      /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u00AD\u034F\u061C\u115F\u1160\u17B4\u17B5\u180B-\u180F\u200B-\u200F\u2028-\u202E\u2060-\u206F\u2800\u3164\uFEFF\uFFA0\uFFF0-\uFFFB\u{E0000}-\u{E0FFF}]|[\uD800-\uDFFF](?![\uDC00-\uDFFF])(?<![\uD800-\uDBFF][\uDC00-\uDFFF])/u;
    const heap = /\p{M}{4}/u;
    let shown = 0;
    const tree = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let n = tree.nextNode(); n; n = tree.nextNode()) {
      const el = n.parentElement as Element;
      const text = n.textContent ?? '';
      if (/^(?:style|script|textarea)$/i.test(el.tagName)) continue; // a field holds what was typed
      if (strange.test(text)) say('unboxed in a text', el, text);
      if (heap.test(text)) say('more than three marks', el, text);
      if (!text.includes(mark)) continue;
      shown++;
      if (!el.closest('.ev, .history-text, .toast')) say('not as machine text', el, text);
      for (let e: Element | null = el.closest('.ev'); e; e = e.parentElement?.closest('.ev') ?? null)
        if (getComputedStyle(e).unicodeBidi !== 'isolate' || getComputedStyle(e).direction !== 'ltr')
          say('not isolated', e, text);
    }
    const spoken = /[\t\n]/;
    for (const el of document.querySelectorAll('*'))
      for (const a of el.attributes) {
        if (a.name === 'value') continue; // what was typed, too
        if (strange.test(a.value) || heap.test(a.value)) say(`unboxed in ${a.name}`, el, a.value);
        if (/^(?:title|aria-label|aria-description|alt)$/.test(a.name) && spoken.test(a.value))
          say(`line break in ${a.name}`, el, a.value);
        if (/^on/.test(a.name)) say(`handler ${a.name}`, el, a.value);
        if (/^(?:href|src|action)$/.test(a.name) && !/^(?:\/|#|http:\/\/localhost|blob:|data:)/.test(a.value))
          say(`address in ${a.name}`, el, a.value);
      }
    if (strange.test(document.title) || document.title.includes(mark)) wrong.push(`title: ${JSON.stringify(document.title)}`);
    for (const row of document.querySelectorAll<HTMLElement>('.grid-body .grid-row')) {
      const box = row.getBoundingClientRect();
      for (const cell of row.querySelectorAll<HTMLElement>(':scope > [role=gridcell]')) {
        const c = cell.getBoundingClientRect();
        if (c.top < box.top - 1 || c.bottom > box.bottom + 1) say('bursts its row', cell, cell.innerText);
        if (c.right > box.right + 1) say('wider than its row', cell, cell.innerText);
      }
    }
    for (const el of document.querySelectorAll<HTMLElement>('main, .preview-in, .preview, .page-body, .fields, .overlay, .toast'))
      if (el.scrollWidth > el.clientWidth + 1) say(`${el.scrollWidth} in ${el.clientWidth} px`, el, '');
    if (document.documentElement.scrollWidth > innerWidth) wrong.push(`page is ${document.documentElement.scrollWidth} px wide`);
    return { wrong, shown };
  }, MARK);
}

/** What people typed is no evidence of a machine: it need not be boxed as such, and nothing in it may be without a shape. */
async function names(): Promise<string[]> {
  const { wrong } = await look();
  return wrong.filter((w) => !w.startsWith('not as machine text'));
}

async function clean(least = 1): Promise<void> {
  const { wrong, shown } = await look();
  expect(wrong).toEqual([]);
  expect(shown, 'texts of the corpus on this page').toBeGreaterThanOrEqual(least);
}

const rows = () => page.locator('.grid-body .grid-row');

/** The row heights of a list, which are all one. */
async function oneHeight(): Promise<void> {
  const heights = await rows().evaluateAll((all) => [...new Set(all.map((r) => (r as HTMLElement).offsetHeight))]);
  expect(heights).toHaveLength(1);
}

describe('the hostile corpus', () => {
  it('in the queue and its preview', async () => {
    await open(page, `/alerts?view=all&q=${MARK}`, 'vi');
    await rows().nth(5).waitFor();
    await oneHeight();
    await clean(6);
    const n = Math.min(await rows().count(), texts.length);
    for (let i = 0; i < n; i++) {
      await page.locator('.preview .trace').first().waitFor();
      const number = await page.locator('.grid-row[data-current]').getAttribute('aria-rowindex');
      await clean(2);
      await page.keyboard.press('j');
      if (i + 1 < n)
        await page.waitForFunction(
          (was) => document.querySelector('.grid-row[data-current]')?.getAttribute('aria-rowindex') !== was,
          number,
        );
    }
    for (const group of ['entity', 'rule']) {
      await open(page, `/alerts?view=all&q=${MARK}&group=${group}`, 'vi');
      await rows().first().waitFor();
      await oneHeight();
      await clean();
    }
  });

  it('on the page of an alert, in its history and in what is copied', async () => {
    const { items } = await until<{ items: { number: string }[] }>(desk, `/api/alerts?view=all&q=${MARK}&limit=40`, () => true);
    for (const { number } of items.slice(0, 3)) {
      await open(page, `/alerts/${number}`, 'en');
      for (const b of await page.locator('.event-open').all()) await b.click();
      await page.locator('.event-fields').first().waitFor();
      await clean(8);
    }
    await page.keyboard.press('m');
    await page.fill('#note', corpus.bidi + corpus.ansi + corpus.script + corpus.marks + corpus.wide.slice(0, 900));
    await page.keyboard.press('Control+Enter');
    await page.locator('.history-text').first().waitFor();
    await clean(9);
  });

  it('in search: list, fields, values, offers and the drawer', async () => {
    await open(page, `/search?q=${MARK}`, 'vi');
    await rows().nth(8).waitFor();
    await oneHeight();
    await clean(9);
    for (const f of await page.locator('.field-name').all()) await f.click();
    await clean(20);
    for (let i = 0; i < 24; i++) {
      await page.keyboard.press('j');
      await page.locator('.event-fields').waitFor();
      if (i % 4 === 0) await clean(10);
    }
    await page.locator('.preview .tabs button').nth(1).click();
    await page.locator('.preview .pre').waitFor();
    await clean(10);
    await page.fill('#query', 'user.name:');
    await page.locator('.offers').waitFor();
    await clean(10);
    await page.fill('#query', 'labels.hlc');
    await clean(10);
  });

  it('a line of a megabyte is shown in parts', async () => {
    await open(page, `/search?q=${MARK} and mega`, 'vi');
    await rows().first().click();
    await page.locator('.event-fields').waitFor();
    await clean(2);
    const { total } = await until<{ total: number }>(desk, `/api/events?query=${MARK} and mega&limit=1`, () => true);
    expect(total).toBe(1);
    expect(await page.locator('.event-fields').innerText()).toMatch(/còn [\d.]+ ký tự/);
    expect(await page.locator('.event-fields').evaluate((e) => (e as HTMLElement).innerText.length)).toBeLessThan(60_000);
  });

  it('in sources, their drawer and their raw line', async () => {
    for (const name of ['bidi', 'hidden', 'ansi', 'script', 'homoglyph', 'marks'] as const)
      await desk.request.post(`${url}/api/sources`, {
        data: { name: corpus[name].slice(0, 120), kind: 'syslog', address: `192.0.2.${200 + name.length}`, layers: [] },
        headers: { origin: url },
      });
    await open(page, `/sources?q=${MARK}`, 'vi');
    await rows().nth(3).waitFor();
    await oneHeight();
    await clean(4);
    const n = Math.min(6, await rows().count());
    for (let i = 0; i < n; i++) {
      await rows().nth(i).click();
      await page.locator('.preview .facts').waitFor();
      await clean(4);
    }
  });

  it('in rules: what an author wrote', async () => {
    await open(page, `/rules?q=${MARK}`, 'vi');
    await rows().first().waitFor();
    await oneHeight();
    await clean();
    await page.keyboard.press('Enter');
    await page.locator('.page-head h1').waitFor();
    await page.locator('.pre').waitFor();
    await clean(3);
  });

  it('in the palette and in a toast', async () => {
    await open(page, '/', 'vi');
    await clean(0);
    await page.keyboard.press('Control+k');
    for (const typed of [MARK, corpus.bidi, corpus.script]) {
      await page.fill('.palette-field', typed);
      await page.locator('.palette-row', { hasText: MARK }).first().waitFor();
      await clean();
    }
    await page.keyboard.press('Escape');
    await open(page, `/search?q=${encodeURIComponent(`${corpus.bidi.slice(0, 20)}:(`)}`, 'vi');
    await page.locator('[role=alert]').first().waitFor();
    await clean(0);
  });

  it('in the audit log: a name tried at the door', async () => {
    const other = await browser.newContext();
    for (const login of [corpus.script, corpus.bidi, corpus.ansi, corpus.wide])
      await other.request.post(`${url}/api/login`, { data: { login: login.slice(0, 200), password: 'x', code: '000000' } });
    await other.close();
    await open(page, '/audit?result=denied', 'vi');
    await rows().first().waitFor();
    await oneHeight();
    const n = Math.min(4, await rows().count());
    for (let i = 0; i < n; i++) {
      await rows().nth(i).click();
      await page.locator('.preview .facts').waitFor();
      await clean(0);
    }
    await open(page, '/audit?q=hlc', 'vi');
    await clean(0);
  });

  it('nowhere else', async () => {
    for (const path of ['/', '/ledger', '/ledger?view=quarantine', '/systems', '/national', '/admin', '/admin/accounts', '/me']) {
      await open(page, path, 'vi');
      await clean(0);
    }
  });

  it('in what people type of units, systems, assets, tokens and searches', async () => {
    const send = async (path: string, data: unknown) => {
      const r = await desk.request.post(`${url}${path}`, { data, headers: { origin: url } });
      expect(r.status(), `${path}: ${await r.text()}`).toBeLessThan(500);
      return r.ok() ? ((await r.json()) as { id?: string; system?: { id: string } }) : {};
    };
    let kept = 0;
    let system = '';
    const wide = new Set<string>();
    for (const [name, text] of texts) {
      const unit = await send('/api/units', { name: text.slice(0, 200), kind: 'other' });
      const made = await send('/api/systems', { name: text.slice(0, 200), level: 1, engine: text.slice(0, 60), unit: unit.id });
      system = made.system?.id ?? made.id ?? system;
      if (/wide|name|marks|tall|script/.test(name)) wide.add(system);
      if (system) {
        const place = { system, zone: text.slice(0, 60), kind: text.slice(0, 60) };
        await send('/api/assets', { ...place, address: `192.0.2.${++kept}` });
        await send('/api/assets', { ...place, host: `may-${kept}-${text.slice(0, 200)}` });
      }
      await send('/api/tokens', { name: text.slice(0, 120), roles: ['auditor'] });
      await send('/api/searches', { name: text.slice(0, 120), query: 'user.name: *' });
    }
    expect(kept, 'assets declared').toBeGreaterThan(3);
    const wrong: Record<string, string[]> = {};
    const pages = [`/systems?q=${MARK}`, `/systems/${system}`, '/search', '/admin', '/admin/accounts', '/audit', '/', '/sources'];
    for (const path of [...pages, ...[...wide].map((id) => `/systems/${id}`)]) {
      await open(page, path, 'vi');
      await page.waitForLoadState('networkidle');
      const found = await names();
      if (found.length) wrong[path] = found;
    }
    expect(wrong).toEqual({});
  });

  it('in the address, its query and its fragment', async () => {
    const mean = [
      corpus.script,
      corpus.attribute,
      'javascript:window.ran=1',
      '//198.51.100.7/x',
      'https://198.51.100.7/',
      '__proto__',
      '\u0000\u202E',
      '{"a":1}',
      '-1',
      '1e999',
    ];
    for (const path of ['/', '/alerts', '/search', '/sources', '/rules', '/systems', '/audit', '/ledger', '/national', '/me'])
      for (let i = 0; i < mean.length; i += 5) {
        const q = [
          'q',
          'view',
          'sort',
          'group',
          'tab',
          'next',
          'from',
          'to',
          'cols',
          'sev',
          'id',
          'open',
          'group_key',
          'at',
          'map',
        ]
          .map((k, j) => `${k}=${encodeURIComponent(mean[(i + j) % mean.length] as string)}`)
          .join('&');
        await page.goto(`${url}${path}?${q}#${encodeURIComponent(mean[i] as string)}`);
        await page.locator('.rail').waitFor();
        await page.waitForLoadState('networkidle');
        expect(new URL(page.url()).origin).toBe(new URL(url).origin);
        expect(await names()).toEqual([]);
      }
    for (const path of [
      '//198.51.100.7/x',
      '/\\198.51.100.7',
      '/%2f%2f198.51.100.7',
      '/login?next=//198.51.100.7/',
      '/alerts/%3Cscript%3E',
      '/rules/..%2f..%2f',
      '/first#<img src=x onerror=window.ran=1>',
    ]) {
      await page.goto(`${url}${path}`);
      await page.waitForLoadState('networkidle');
      expect(new URL(page.url()).origin).toBe(new URL(url).origin);
      const { wrong } = await look();
      expect(wrong.filter((w) => w.startsWith('ran') || w.startsWith('handler') || w.startsWith('content policy'))).toEqual([]);
    }
  });

  it('would be seen if it ran', async () => {
    // on a page without the console's care and policy: the marker that look() reads is set there
    for (const markup of [corpus.script, `<input value="${corpus.attribute.replace(`"'`, '"')}">`]) {
      const bare = { contentType: 'text/html', body: `<!doctype html><body>${markup}` };
      await page.route(`${url}/bare`, (r) => r.fulfill(bare), { times: 1 });
      await page.goto(`${url}/bare`);
      await page.waitForFunction(() => (window as unknown as { ran?: string }).ran);
      expect((await look()).wrong.filter((w) => w.startsWith('ran: '))).toHaveLength(1);
    }
  });

  it('from another site: no frame, no opener, no message, no write', async () => {
    const site = createServer((_, res) => res.setHeader('content-type', 'text/html').end('<!doctype html><p>another site</p>'));
    await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
    const there = `http://127.0.0.1:${(site.address() as { port: number }).port}`;
    const apart = await loggedIn(browser);
    await apart.addInitScript(() => {
      const w = window as unknown as { told: unknown[] };
      w.told = [];
      addEventListener('message', (e) => w.told.push(e.data));
    });
    const other = await apart.newPage();
    try {
      await other.goto(`${there}/`);
      const inside = await other.evaluate(async (to) => {
        const frame = document.createElement('iframe');
        frame.src = `${to}/alerts`;
        document.body.append(frame);
        await new Promise((done) => frame.addEventListener('load', done));
        try {
          return frame.contentDocument?.body.innerText ?? 'nothing';
        } catch {
          return 'closed';
        }
      }, url);
      expect(inside).toBe('nothing');
      expect(other.frames()[1]?.url() ?? '').not.toContain('/alerts');

      /** Opens a window from the other site; gives it when what it shows stands. */
      const opened = async (name: string, to: string, sign: string) => {
        const [shown] = await Promise.all([
          apart.waitForEvent('page'),
          other.evaluate(([n, at]) => void Object.assign(window, { [n]: window.open(at) }), [name, to] as const),
        ]);
        await shown.locator(sign).first().waitFor({ state: 'attached' });
        return shown;
      };
      const plain = await opened('plain', `${there}/plain`, 'p');
      const door = await opened('door', `${url}/alerts`, '.rail, #login');
      // Cross-Origin-Opener-Policy parts the two; the window of the other site shows that nothing else did
      await other.waitForFunction(() => (window as unknown as { door: Window | null }).door?.closed !== false);
      expect(await other.evaluate(() => (window as unknown as { plain: Window }).plain.closed)).toBe(false);
      await other.evaluate(() => {
        const w = window as unknown as { door: Window | null; plain: Window };
        for (const to of [w.door, w.plain])
          to?.postMessage({ notice: { topic: 'alert', id: '*' }, live: 'lost', ask: true }, '*');
      });
      const told = (p: typeof other) => p.evaluate(() => (window as unknown as { told: unknown[] }).told.length);
      await plain.waitForFunction(() => (window as unknown as { told: unknown[] }).told.length === 1);
      expect(await told(door), 'messages in the console').toBe(0);

      const got = await other.evaluate(async (to) => {
        const read = await fetch(`${to}/api/me`, { credentials: 'include' }).then(
          (r) => `${r.status}`,
          () => 'refused',
        );
        const write = await fetch(`${to}/api/logout`, {
          method: 'POST',
          mode: 'no-cors',
          credentials: 'include',
          body: '{}',
        }).then(
          (r) => r.type,
          () => 'refused',
        );
        return { read, write, frames: window.length };
      }, url);
      expect(got).toEqual({ read: 'refused', write: 'refused', frames: 1 });
      const me = await apart.request.get(`${url}/api/me`);
      expect(me.status(), 'still logged in').toBe(200);
    } finally {
      await apart.close();
      site.close();
    }
  });
});
