/** Every layer above a page (dialogs, sheets, menus): what must be there before it, and the keys or the place that open it. */
import type { BrowserContext, Page } from 'playwright-core';
import { url } from './desk';

export interface Layer {
  name: string;
  path: string;
  act: (p: Page) => Promise<unknown>;
  /** what shows that it is open */
  sign: string;
}

/** Sends a body and gives back the answer; an answer that refuses ends the run. */
async function post<T>(desk: BrowserContext, path: string, data: unknown): Promise<T> {
  const r = await desk.request.post(`${url}${path}`, { data });
  if (!r.ok()) throw new Error(`${path}: ${r.status()} ${await r.text()}`);
  return (await r.json()) as T;
}

async function first<T>(desk: BrowserContext, path: string): Promise<T> {
  const { items } = (await (await desk.request.get(`${url}${path}`)).json()) as { items: T[] };
  if (!items[0]) throw new Error(`${path} is empty`);
  return items[0];
}

/** Makes what the layers need: a source with a key, a token, an invited person. */
export async function layers(desk: BrowserContext): Promise<Layer[]> {
  const tag = Date.now().toString(36);
  const { id: system } = await first<{ id: string }>(desk, '/api/systems?limit=1');
  const { number: alert } = await first<{ number: string }>(desk, '/api/alerts?limit=1');
  const { id: syslog } = await first<{ id: string }>(desk, '/api/sources?kind=syslog&limit=1');
  const { id: source } = await post<{ id: string }>(desk, '/api/sources', {
    name: `winlogbeat thử ${tag}`,
    kind: 'bulk',
    layers: ['endpoint'],
    version: 0,
  });
  await post(desk, `/api/sources/${source}/keys`, { label: `máy trạm ${tag}` });
  await post(desk, '/api/tokens', { name: `thử ${tag}`, roles: ['auditor'], days: 7 });
  await post(desk, '/api/accounts', { login: `moi-${tag}`, name: 'Người được mời', roles: ['auditor'], acknowledged: true });

  const at = `/alerts/${alert}`;
  const press = (key: string) => (p: Page) => p.keyboard.press(key);
  const click =
    (css: string, nth: 'first' | 'last' | number = 'first') =>
    (p: Page) => {
      const l = p.locator(css);
      return (nth === 'first' ? l.first() : nth === 'last' ? l.last() : l.nth(nth)).click();
    };
  const form = 'dialog form';
  const assets = `/systems/${system}?tab=assets`;
  const machines = '.page-body .card:last-of-type';
  return [
    { name: 'palette', path: '/', act: press('Control+k'), sign: '.palette-field' },
    { name: 'help', path: '/alerts', act: press('?'), sign: '.help' },
    { name: 'bell', path: '/', act: click('.top-end .top-button', 0), sign: '.ant-dropdown-menu' },
    { name: 'theme', path: '/', act: click('.top-end .top-button', 2), sign: '.ant-dropdown-menu' },
    { name: 'person', path: '/', act: click('.person'), sign: '.ant-dropdown-menu' },
    { name: 'close', path: at, act: press('c'), sign: 'dialog .reason' },
    {
      name: 'close-note',
      path: at,
      act: async (p) => {
        await p.keyboard.press('c');
        await p.locator('dialog .reason').first().waitFor();
        await p.keyboard.press('6');
      },
      sign: '#close-note',
    },
    { name: 'note', path: at, act: press('m'), sign: 'dialog #note' },
    { name: 'assign', path: at, act: press('Shift+A'), sign: 'dialog .reason' },
    { name: 'certainty', path: `/systems/${system}`, act: click('.requirement button.certainty'), sign: 'dialog .facts' },
    { name: 'system', path: '/systems', act: click('.page-head .end button'), sign: form },
    { name: 'system-change', path: `/systems/${system}`, act: click('.page-head .end button'), sign: form },
    { name: 'system-keep', path: `/systems/${system}`, act: click('.page-head .end button', 'last'), sign: '#keep-reason' },
    { name: 'machine', path: assets, act: click('.card-head button.ant-btn', 'last'), sign: '#asset-host' },
    { name: 'machine-import', path: assets, act: click('.card-head button.ant-btn'), sign: '#asset-rows' },
    { name: 'machine-change', path: assets, act: click(`${machines} td button`), sign: '#asset-host' },
    { name: 'machine-keep', path: assets, act: click(`${machines} td button`, 1), sign: '#keep-reason' },
    { name: 'source', path: '/sources', act: click('.page-head .end button'), sign: form },
    { name: 'source-stop', path: `/sources?sel=${syslog}`, act: click('aside .actions-bar button', 0), sign: '#stop-reason' },
    { name: 'source-change', path: `/sources?sel=${syslog}`, act: click('aside .actions-bar button', 1), sign: '#src-name' },
    { name: 'source-keep', path: `/sources?sel=${syslog}`, act: click('aside .actions-bar button', 2), sign: '#keep-reason' },
    { name: 'key', path: `/sources?sel=${source}`, act: click('aside section > button.ant-btn'), sign: '#key-label' },
    {
      name: 'key-revoke',
      path: `/sources?sel=${source}`,
      act: click('aside section p button'),
      sign: 'dialog .ant-btn-dangerous',
    },
    {
      name: 'key-made',
      path: `/sources?sel=${source}`,
      act: async (p) => {
        await p.locator('aside section > button.ant-btn').first().click();
        await p.locator('dialog button[type=submit]').click();
      },
      sign: 'dialog .secret-once',
    },
    { name: 'unit', path: '/admin/units', act: click('.card-head button.ant-btn'), sign: '#unit-name' },
    { name: 'unit-change', path: '/admin/units', act: click('tbody button'), sign: '#unit-name' },
    { name: 'unit-keep', path: '/admin/units', act: click('tbody button', 1), sign: '#keep-reason' },
    { name: 'invitation', path: '/admin/accounts', act: click('main button.ant-btn'), sign: form },
    { name: 'account-change', path: '/admin/accounts', act: click('tbody button'), sign: form },
    {
      name: 'account-link',
      path: '/admin/accounts',
      act: (p) =>
        p
          .locator('tr', { hasText: `moi-${tag}` })
          .locator('button')
          .nth(1)
          .click(),
      sign: 'dialog .secret-once',
    },
    { name: 'token', path: '/admin/tokens', act: click('main button.ant-btn'), sign: form },
    { name: 'token-revoke', path: '/admin/tokens', act: click('tbody button'), sign: '#revoke' },
    {
      name: 'token-made',
      path: '/admin/tokens',
      act: async (p) => {
        await p.locator('main button.ant-btn').first().click();
        await p.fill('#tok-name', `thử ${Date.now().toString(36)}`);
        await p.locator('dialog .roles input').nth(3).check();
        await p.locator('dialog button[type=submit]').click();
      },
      sign: 'dialog .secret-once',
    },
    {
      name: 'endpoint',
      path: '/national?tab=endpoint',
      act: async (p) => {
        await p.fill('#ep-url', 'https://tiepnhan.example.vn/v1');
        await p.locator('main button[type=submit]').click();
      },
      sign: '#ep-reason',
    },
  ];
}
