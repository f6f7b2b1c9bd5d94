import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import type { ComponentType } from 'react';
import { renderToStaticMarkup } from 'react-dom/server';
import { MemoryRouter, Route, Routes } from 'react-router';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Me, SourceItem, SystemDetail } from '../api/client';
import type { useStatus } from '../frame/Frame';
import { pages as defined, first, login, ownPages } from '../frame/pages';
import type { StatusBar } from '../frame/StatusBar';
import { answer, me, now, type State, states } from './truth.answers';

// Pages are drawn without a browser: what a browser gives them at load stands here before the first of them is read.
const net = vi.hoisted(() => {
  const net = {
    serve: (_: Request): Promise<Response> => Promise.reject(new Error('nothing serves yet')),
    real: globalThis.fetch,
  };
  globalThis.fetch = (u, init) => net.serve(u instanceof Request && !init ? u : new Request(u, init));
  const absolute = (u: RequestInfo | URL) => (typeof u === 'string' && u.startsWith('/') ? `http://hoalu.test${u}` : u);
  const Plain = globalThis.Request;
  globalThis.Request = class extends Plain {
    constructor(u: RequestInfo | URL, init?: RequestInit) {
      super(absolute(u), init);
    }
  };
  const kept = { getItem: () => null, setItem: () => undefined, removeItem: () => undefined };
  Object.assign(globalThis, { location: new URL('http://hoalu.test/'), localStorage: kept, sessionStorage: kept });
  Object.assign(globalThis, {
    matchMedia: () => ({ matches: false, addEventListener: () => undefined, removeEventListener: () => undefined }),
  });
  return net;
});
// a store read while drawing on the server has its browser value
vi.mock('react', async (original) => {
  const react = await original<typeof import('react')>();
  return {
    ...react,
    useSyncExternalStore: <T,>(on: (f: () => void) => () => void, get: () => T) => react.useSyncExternalStore(on, get, get),
  };
});

interface Page {
  /** an address of the page: its tabs, its sections, with a thing chosen */
  at: string;
  /** the route that leads to it (frame/pages.ts) */
  path: string;
  /** a system must have been declared */
  declared?: boolean;
}

const pages: Page[] = [
  { at: '/', path: '/' },
  { at: '/alerts', path: '/alerts' },
  { at: '/alerts?group=entity', path: '/alerts' },
  { at: '/alerts?view=closed', path: '/alerts' },
  { at: '/alerts/CB-1', path: '/alerts/:id' },
  { at: '/search?q=*', path: '/search' },
  { at: '/systems', path: '/systems' },
  { at: '/systems?view=retired', path: '/systems' },
  { at: '/systems/HT-001', path: '/systems/:id', declared: true },
  { at: '/systems/HT-001?tab=assets', path: '/systems/:id', declared: true },
  { at: '/systems/HT-001?tab=history', path: '/systems/:id', declared: true },
  { at: '/sources', path: '/sources' },
  { at: '/sources?sel=NG-0001', path: '/sources', declared: true },
  { at: '/sources?tab=sensors', path: '/sources' },
  { at: '/ledger', path: '/ledger' },
  { at: '/ledger?view=source', path: '/ledger' },
  { at: '/ledger?view=off', path: '/ledger' },
  { at: '/ledger?view=dropped', path: '/ledger' },
  { at: '/ledger?view=quarantine', path: '/ledger' },
  { at: '/rules', path: '/rules' },
  { at: '/rules/r1', path: '/rules/:id' },
  { at: '/national', path: '/national' },
  { at: '/national?tab=days', path: '/national' },
  { at: '/national?tab=endpoint', path: '/national' },
  { at: '/audit', path: '/audit' },
  { at: '/me', path: '/me' },
  { at: '/admin', path: '/admin' },
  { at: '/admin/units', path: '/admin/:section' },
  { at: '/admin/accounts', path: '/admin/:section' },
  { at: '/admin/sessions', path: '/admin/:section' },
  { at: '/admin/tokens', path: '/admin/:section' },
  { at: '/login', path: '/login' },
  { at: '/first#token', path: '/first' },
];

const LoginAlone = (Login: ComponentType<{ onDone: () => void }>) =>
  function Alone() {
    return <Login onDone={() => undefined} />;
  };

/** Every route of the console and what it loads. */
const routes: Record<string, () => Promise<{ default: ComponentType }>> = {
  ...Object.assign({}, ...defined.map((p) => p.routes)),
  ...ownPages,
  '/first': first,
  '/login': async () => {
    const { default: Login } = await login();
    return { default: LoginAlone(Login) };
  },
};

/** Addresses whose words are the same whether or not something was measured: who logs in, one's own account. */
const unmeasured = (at: string) => ['/me', '/admin', '/login', '/first'].some((p) => at.startsWith(p));

const cause = 'không đọc được kho: đĩa đầy';
let state: State = 'empty';
let asked: string[] = [];
/** the one path that the server cannot answer */
let without = '';

/** An appliance that really runs, in one of the states: internal/app.TestPagesOfRealAppliances starts them and runs this file. */
interface Real {
  state: 'empty' | 'begun' | 'store' | 'stopped';
  url: string;
  token: string;
  system: string;
  source: string;
}
const reals: Real[] = JSON.parse(process.env.HOALU_STATES ?? '[]');
let real: Real | undefined;

async function serve(request: Request): Promise<Response> {
  const { pathname, search } = new URL(request.url);
  asked.push(pathname + search);
  if (real) return net.real(real.url + pathname + search, { headers: { Authorization: `Bearer ${real.token}` } });
  const json = (status: number, body: unknown) =>
    new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } });
  if (pathname === without) return json(503, { status: 503, code: 'unavailable', detail: cause });
  if (state === 'store' && !/\/api\/(me|site|status)$/.test(pathname))
    return json(503, { status: 503, code: 'unavailable', detail: cause });
  const body = answer(state, pathname);
  return body === undefined ? json(404, { status: 404, code: 'not_found', detail: 'x' }) : json(200, body);
}

/** The bar under every page, as the frame feeds it. */
const BarOf = (use: typeof useStatus, Status: typeof StatusBar) =>
  function Bar() {
    const s = use();
    return <Status status={s.data} failed={s.isError} at={s.dataUpdatedAt} />;
  };

/** Draws a page, asks what it asked for, and draws it again, until it asks for nothing more. */
async function draw(at: string, path: string, person: Me = me): Promise<string> {
  const { default: Page } = await (routes[path] as (typeof routes)[string])();
  return drawn(Page, at, path, person);
}

async function drawn(Page: ComponentType, at = '/', path = '/', person: Me = me): Promise<string> {
  const { PersonProvider } = await import('../session/session');
  const { useStatus } = await import('../frame/Frame');
  const { StatusBar } = await import('../frame/StatusBar');
  const Bar = BarOf(useStatus, StatusBar);
  const queries = new QueryClient({
    defaultOptions: { queries: { retry: false, retryOnMount: false, staleTime: Number.POSITIVE_INFINITY } },
  });
  const paint = () =>
    renderToStaticMarkup(
      <QueryClientProvider client={queries}>
        <MemoryRouter initialEntries={[at]}>
          <PersonProvider value={person}>
            <Routes>
              <Route path={path} element={<Page />} />
            </Routes>
            <Bar />
          </PersonProvider>
        </MemoryRouter>
      </QueryClientProvider>,
    );
  for (let round = 0; round < 6; round++) {
    const html = paint();
    const waiting = queries
      .getQueryCache()
      .getAll()
      .filter((q) => q.state.status === 'pending' && (q.options as { enabled?: unknown }).enabled !== false);
    if (waiting.length === 0) return html;
    await Promise.all(waiting.map((q) => q.fetch().catch(() => undefined)));
  }
  throw new Error(`${at} goes on asking`);
}

const text = (html: string) =>
  html
    .replace(/<(script|style|option|select)\b.*?<\/\1>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/&[a-z#0-9]+;/g, ' ')
    .replace(/\s+/g, ' ');

beforeAll(async () => {
  vi.useFakeTimers({ now, toFake: ['Date'] });
  net.serve = serve;
  await import('../locales/i18n');
  await Promise.all(Object.values(routes).map((load) => load()));
}, 120_000);
afterAll(() => {
  vi.useRealTimers();
});

describe('every route', () => {
  it.each(Object.keys(routes))('%s has a page here', (route) => {
    const shown = pages.some((p) => p.path === route);
    expect(shown ? '' : `${route}: no page of design/truth.test.tsx shows what it says where nothing was measured`).toBe('');
  });
  it('is one that is asked for', () => expect(pages.filter((p) => !routes[p.path]).map((p) => p.at)).toEqual([]));
});

describe.each(states)('where nothing was measured: %s', (s) => {
  it.each(pages.filter((p) => !p.declared || s !== 'empty'))('$at claims nothing', async ({ at, path }) => {
    state = s;
    const html = await draw(at, path);
    const words = text(html);
    expect(words.length).toBeGreaterThan(20);
    expect(words).not.toMatch(/(^|[^\d,.])[-−]?0(?:,0+)? ?(%|ms|giây)(?!\p{L})/u);
    expect(words).not.toMatch(/(^|\P{L})cân(?!\p{L})/iu);
    expect(html).not.toContain('pos-met');
    for (const m of html.matchAll(/class="unmeasured[^"]*"([^>]*)>/g)) expect(m[1]).toMatch(/title="[^"]{8,}"/);
    expect(html).not.toMatch(/<(td|dd)[^>]*><\/\1>/);
    if (s !== 'store' && ['/', '/alerts'].includes(at)) expect(words).toContain('trống lúc này chưa phải là yên');
    if (s !== 'store' && at.startsWith('/search')) expect(words).toContain('phần chưa đọc được vẫn có thể có');
    if (s !== 'store' && at.startsWith('/search')) {
      expect(words).toContain('ít nhất 0 sự kiện');
      expect(words).toContain('chưa đủ: 1 tệp không đọc được (không đọc được một phần kho: hết giờ chờ)');
    }
    if (s === 'store' && !unmeasured(at)) expect(words).toContain(cause);
  });
});

describe.each(reals)('an appliance that runs: $state', (r) => {
  beforeAll(() => {
    real = r;
    vi.useRealTimers();
    vi.useFakeTimers({ now: Date.now(), toFake: ['Date'] }); // a page asks for the same stretch each time it is drawn
  });
  afterAll(() => {
    real = undefined;
    vi.useRealTimers();
    vi.useFakeTimers({ now, toFake: ['Date'] });
  });
  it.each(pages)('$at claims nothing that was not measured', async ({ at, path }) => {
    const html = await draw(at.replace('HT-001', r.system).replace('NG-0001', r.source), path);
    const words = text(html);
    expect(words.length).toBeGreaterThan(20);
    if (r.state === 'empty' && !at.startsWith('/sources'))
      expect(words).not.toMatch(/(^|[^\d,.])[-−]?0(?:,0+)? ?(%|ms|giây)(?!\p{L})/u);
    expect(words).not.toMatch(/(^|[^\d,.])0(?:,0+)? ?\/phút/u);
    expect(words).not.toContain('_unassigned');
    for (const m of html.matchAll(/class="unmeasured[^"]*"([^>]*)>/g)) expect(m[1]).toMatch(/title="[^"]{8,}"/);
    expect(html).not.toMatch(/<(td|dd)[^>]*><\/\1>/);
    if (at.startsWith('/ledger') && !at.includes('quarantine')) {
      const blank = /Không đo được ([\d.]+)/.exec(words)?.[1] ?? ''; // of 24 hours, in which it ran for a minute
      expect(Number(blank.replace('.', ''))).toBeGreaterThan(1_400);
    }
    if (/view=(off|dropped)/.test(at)) expect(words).toMatch(/Trong đó 1\.4\d\d phút không đo được/);
    if (r.state === 'store' && at === '/') expect(words).toContain('không đọc được thư mục của kho sự kiện');
    if (r.state === 'store' && at.startsWith('/search'))
      expect(words).toMatch(/ít nhất \d+ sự kiện.*chưa đủ: 1 tệp không đọc được/);
    if (r.state === 'stopped' && at === '/sources') {
      expect(words).toContain('Không rõ web01');
      expect(words).not.toContain('Đang nhận web01');
    }
  });
});

describe('what a form or menu offers, where the server cannot tell it', () => {
  const nothing = () => undefined;
  const places: [string, () => Promise<ComponentType>][] = [
    [
      'the units that a system may have',
      async () => {
        const { SystemForm } = await import('../systems/SystemForm');
        const system = { name: 'Cổng', unit: { id: 'DV-07', name: 'Sở' }, level: 3, version: 1 } as SystemDetail;
        return () => <SystemForm system={system} onClose={nothing} onDone={nothing} />;
      },
    ],
    [
      'the systems that a source may have',
      async () => {
        const { SourceForm } = await import('../sources/SourceForm');
        const source = { name: 'web', kind: 'syslog', system: { id: 'DV-07', name: 'Cổng', level: 3 }, layers: [], version: 1 };
        return () => <SourceForm source={source as unknown as SourceItem} onClose={nothing} onDone={nothing} />;
      },
    ],
    [
      'the people that an alert may be given to',
      async () => {
        const { AssignSheet } = await import('../alerts/sheets');
        return () => <AssignSheet alerts={[]} onClose={nothing} onDone={nothing} />;
      },
    ],
  ];
  it.each(places)('%s: says so with the cause, and what is kept stays chosen', async (what, load) => {
    state = 'store';
    vi.stubGlobal('document', { activeElement: null }); // what had the focus before the layer opened
    const html = await drawn(await load()).finally(() => vi.unstubAllGlobals());
    expect(text(html)).toContain(cause);
    if (!what.includes('people')) expect(html).toContain('<option value="DV-07" selected="">DV-07</option>');
  });
  it('the names of the requirements', async () => {
    state = 'hour';
    without = '/api/controls';
    const html = await draw('/systems/HT-001', '/systems/:id').finally(() => {
      without = '';
    });
    expect(text(html)).toContain(cause);
  });
  it('how the posture was on former days', async () => {
    state = 'hour';
    without = '/api/systems/HT-001/posture/changes';
    const html = await draw('/systems/HT-001', '/systems/:id').finally(() => {
      without = '';
    });
    expect(text(html)).toContain(cause);
  });
});

describe('a ledger with minutes that were not measured', () => {
  it('counts them apart, on the page, the first page and the bar', async () => {
    state = 'hour';
    for (const at of ['/ledger', '/'] as const) {
      const page = pages.find((p) => p.at === at) as Page;
      const words = text(await draw(at, page.path));
      expect(words.match(/24 giờ qua có 1\.380 phút không đo được/g)).toHaveLength(2);
      if (at === '/ledger') expect(words).toContain('Không đo được 60');
    }
  });
  it('lists the minutes that dropped events, and says of an empty list what it is of', async () => {
    state = 'empty';
    asked = [];
    const page = pages.find((p) => p.at === '/ledger?view=dropped') as Page;
    const words = text(await draw(page.at, page.path));
    expect(asked.some((u) => u.startsWith('/api/ledger?') && u.includes('view=dropped'))).toBe(true);
    expect(words).toContain('Trong đó 1.440 phút không đo được.');
  });
});

describe('the figures of alerts where no source has sent anything', () => {
  it('say so, in place of 0', async () => {
    state = 'empty';
    expect(text(await draw('/', '/'))).toMatch(/Chưa nhận +\? +chưa nhận dữ liệu/);
    state = 'stopped';
    expect(text(await draw('/', '/'))).toMatch(/Chưa nhận +0 /);
  });
});

describe('the health of the appliance', () => {
  it('is said by its page as by the bar below: a clock that nobody confirms, a link that has said nothing', async () => {
    state = 'empty';
    const html = await draw('/admin', '/admin');
    const words = text(html);
    expect(words).toMatch(/Chưa rõ +đồng hồ +Không dịch vụ giờ nào xác nhận/);
    expect(words).toMatch(/Chưa rõ +kết nối quốc gia +Trung tâm quốc gia: chưa rõ/);
    expect(words).toMatch(/Chưa rõ +đối chiếu với nhật ký chứng cứ +Chưa đối chiếu/);
    expect(words).toContain('Lệch giờ: chưa rõ');
  });
});

describe('a withdrawn sensor', () => {
  it('is said to be withdrawn, not running', async () => {
    state = 'stopped';
    const page = pages.find((p) => p.at === '/sources?tab=sensors') as Page;
    const words = text(await draw(page.at, page.path));
    expect(words).toContain('Đã thu hồi cb-01');
    expect(words).not.toContain('Đang chạy');
  });
});

describe('who sees accounts and addresses masked', () => {
  const page = pages.find((p) => p.at === '/alerts') as Page;
  const at = '/alerts?host=dvc-web-02&user=root&address=10.0.0.1&group=entity&system=HT-001';
  const dpo: Me = {
    ...me,
    roles: ['dpo'],
    permissions: { ...me.permissions, pages: { ...me.permissions.pages, alerts: 'personal' } },
  };
  it('is not offered to filter or group by them', async () => {
    state = 'stopped';
    asked = [];
    const html = await draw(at, page.path, dpo);
    const alerts = asked.filter((u) => u.startsWith('/api/alerts?'));
    expect(alerts.length).toBeGreaterThan(0);
    for (const u of alerts) {
      expect(u).toContain('system=HT-001');
      expect(u).not.toMatch(/[?&](host|user|address|group)=/);
    }
    expect(html).not.toContain('value="entity"');
    expect(html).not.toContain('dvc-web-02');
  });
  it('everybody else is', async () => {
    asked = [];
    const html = await draw(at, page.path);
    expect(asked.some((u) => u.includes('host=dvc-web-02') && u.includes('group=entity'))).toBe(true);
    expect(html).toContain('value="entity"');
  });
});
