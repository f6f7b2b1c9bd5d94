/**
 * A desk with a browser at a running appliance. HOALU_URL is its address, HOALU_FIRST_LINK the one-time link of `hoalu serve` for the
 * first account; the account made with it is kept in HOALU_STATE (default browser/.state.json) so that a second run can log in.
 */
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export const url = (process.env.HOALU_URL ?? 'http://localhost:8080').replace(/\/$/, '');
export const firstLink = process.env.HOALU_FIRST_LINK ?? '';
/** The built binary; '' where the tests are run by hand against an appliance that runs already. */
export const binary = process.env.HOALU_BIN ?? '';
// What needs one of them is left out by hand alone: in CI it must have run.
if (process.env.CI && !(firstLink && binary)) throw new Error('set HOALU_FIRST_LINK and HOALU_BIN: test/browser.sh does');
const statePath = process.env.HOALU_STATE ?? new URL('./.state.json', import.meta.url).pathname;

export interface Person {
  login: string;
  password: string;
  secret: string;
  cookies?: Awaited<ReturnType<BrowserContext['cookies']>>;
}

export function kept(): Person | undefined {
  return existsSync(statePath) ? (JSON.parse(readFileSync(statePath, 'utf8')) as Person) : undefined;
}

export function keep(p: Person): void {
  writeFileSync(statePath, JSON.stringify(p), { mode: 0o600 });
}

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.HOALU_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
  });
}

/** A browser far away from Việt Nam: the console's times may not follow it. */
export function context(
  browser: Browser,
  opts: { lang?: 'vi' | 'en'; theme?: 'light' | 'dark'; width?: number; height?: number; touch?: boolean } = {},
): Promise<BrowserContext> {
  return browser.newContext({
    viewport: { width: opts.width ?? 1366, height: opts.height ?? 768 },
    locale: opts.lang === 'en' ? 'en-GB' : 'vi-VN',
    timezoneId: 'America/New_York',
    colorScheme: opts.theme ?? 'light',
    hasTouch: opts.touch ?? false,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
}

/** Six digits of RFC 6238 for a base32 secret. */
export function totp(secret: string, at = Date.now()): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let bits = '';
  for (const c of secret.replace(/[\s=]/g, '').toUpperCase()) bits += alphabet.indexOf(c).toString(2).padStart(5, '0');
  const key = Buffer.from((bits.match(/.{8}/g) ?? []).map((b) => Number.parseInt(b, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const mac = createHmac('sha1', key).update(counter).digest();
  const o = (mac.at(-1) as number) & 15;
  return String((mac.readUInt32BE(o) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

/** A code that has not been used: the next period when this one was. */
export async function freshCode(secret: string, used: string): Promise<string> {
  for (;;) {
    const code = totp(secret);
    if (code !== used) return code;
    await new Promise((r) => setTimeout(r, 1000));
  }
}

export interface Trouble {
  errors: string[];
  foreign: string[];
}

/** Collects what may never happen on a page: script errors, refusals of the content policy, requests to others. */
export function watch(page: Page): Trouble {
  const t: Trouble = { errors: [], foreign: [] };
  page.on('pageerror', (e) => t.errors.push(e.message));
  page.on('console', (m) => {
    const text = m.text();
    if (m.type() === 'error' && !/status of (?:40[01349]|410|422|50[13])/.test(text)) t.errors.push(text);
  });
  page.on('request', (r) => {
    if (!r.url().startsWith(url) && !/^(?:data|blob|about):/.test(r.url())) t.foreign.push(r.url());
  });
  page.on('dialog', (d) => {
    t.errors.push(`dialog: ${d.message()}`);
    d.dismiss();
  });
  return t;
}

/** Goes through the pages of a one-time link and gives back the account. */
export async function firstRun(page: Page, link: string): Promise<Person> {
  const person: Person = { login: 'kiemthu', password: 'mot cau du dai de nho 2026', secret: '' };
  await page.goto(link);
  await page.locator('#login').waitFor();
  if (await page.locator('#site').count()) await page.fill('#site', 'SOC tỉnh');
  await page.fill('#login', person.login);
  await page.fill('#name', 'Trực ban thử');
  await page.fill('#password', person.password);
  await page.fill('#again', person.password);
  await page.locator('form button[type=submit]').click();
  const secret = page.getByTestId('totp-secret');
  await secret.waitFor();
  person.secret = (await secret.innerText()).replace(/\s/g, '');
  await page.fill('#code', totp(person.secret));
  await page.locator('form button[type=submit]').click();
  await page.locator('.codes li').first().waitFor();
  await page.locator('.ant-checkbox-input').check();
  await page.locator('.entry-card .ant-btn-primary').click();
  await page.locator('.rail').waitFor();
  person.cookies = await page.context().cookies();
  keep(person);
  return person;
}

/** A context that is logged in: by the kept session, else by name, password and a fresh code, else by the one-time link. */
export async function loggedIn(browser: Browser, opts: Parameters<typeof context>[1] = {}): Promise<BrowserContext> {
  const c = await context(browser, opts);
  const person = kept();
  if (person?.cookies) await c.addCookies(person.cookies);
  const page = await c.newPage();
  await page.goto(`${url}/`);
  const rail = page.locator('.rail');
  const login = page.locator('#login');
  await rail.or(login).first().waitFor();
  if (await login.count()) {
    if (person) {
      await page.fill('#login', person.login);
      await page.fill('#password', person.password);
      await page.fill('#code', await freshCode(person.secret, ''));
      await page.locator('form button[type=submit]').click();
      await rail.waitFor();
      keep({ ...person, cookies: await c.cookies() });
    } else if (firstLink) await firstRun(page, firstLink);
    else throw new Error('nobody to log in as: set HOALU_FIRST_LINK, or HOALU_STATE of an earlier run');
  }
  await page.close();
  return c;
}

export const pages: { name: string; path: string }[] = [
  { name: 'overview', path: '/' },
  { name: 'alerts', path: '/alerts' },
  { name: 'search', path: '/search' },
  { name: 'search-all', path: '/search?q=event.id:*&t=7d' },
  { name: 'systems', path: '/systems' },
  { name: 'sources', path: '/sources' },
  { name: 'sensors', path: '/sources?tab=sensors' },
  { name: 'ledger', path: '/ledger' },
  { name: 'quarantine', path: '/ledger?view=quarantine' },
  { name: 'rules', path: '/rules' },
  { name: 'national', path: '/national' },
  { name: 'endpoint', path: '/national?tab=endpoint' },
  { name: 'audit', path: '/audit' },
  { name: 'admin', path: '/admin' },
  { name: 'accounts', path: '/admin/accounts' },
  { name: 'tokens', path: '/admin/tokens' },
  { name: 'me', path: '/me' },
];

/** The pages and one of each that stands behind a row: a system, an alert, a rule; and an address that is none. */
export async function allPages(desk: BrowserContext): Promise<{ name: string; path: string }[]> {
  const first = async (path: string, key: string) => {
    const { items } = (await (await desk.request.get(`${url}${path}`)).json()) as { items: Record<string, string>[] };
    if (!items[0]?.[key]) throw new Error(`${path} is empty`);
    return encodeURIComponent(items[0][key]);
  };
  return [
    ...pages,
    { name: 'posture', path: `/systems/${await first('/api/systems?limit=1', 'id')}` },
    { name: 'alert', path: `/alerts/${await first('/api/alerts?limit=1', 'number')}` },
    { name: 'rule', path: `/rules/${await first('/api/rules?limit=1', 'id')}` },
    { name: 'absent', path: '/no-such-page' },
  ];
}

/** Opens a page and waits until it has said something: rows, a state, or an error. */
export async function open(page: Page, path: string, lang?: 'vi' | 'en'): Promise<void> {
  await page.goto(`${url}${path}${lang ? `${path.includes('?') ? '&' : '?'}lang=${lang}` : ''}`);
  await page.locator('main h1, main .state').first().waitFor();
  await page
    .locator('.skeleton')
    .first()
    .waitFor({ state: 'detached', timeout: 15_000 })
    .catch(() => undefined);
  await page.waitForTimeout(250);
}
