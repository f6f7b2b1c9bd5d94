import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { context, firstLink, firstRun, freshCode, keep, kept, launch, totp, url, watch } from './desk';

let browser: Browser;
beforeAll(async () => {
  browser = await launch();
});
afterAll(() => browser.close());

describe('totp', () => {
  it('matches RFC 6238', () => {
    expect(totp('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', 59_000)).toBe('287082');
  });
});

describe.skipIf(!firstLink)('first run', () => {
  it('makes the account, shows the codes once and enters', async () => {
    const c = await context(browser, { lang: 'vi' });
    const page = await c.newPage();
    const trouble = watch(page);
    const person = await firstRun(page, firstLink);
    expect(page.url()).toBe(`${url}/`);
    expect(person.secret).toMatch(/^[A-Z2-7]{16,}/);
    expect(await page.locator('h1').first().innerText()).not.toBe('');
    expect(trouble).toEqual({ errors: [], foreign: [] });
    await c.close();
  });

  it('refuses the same link a second time', async () => {
    const c = await context(browser, { lang: 'vi' });
    const page = await c.newPage();
    await page.goto(firstLink);
    await page.locator('[role=alert] .banner-danger').waitFor();
    expect(await page.locator('#login').count()).toBe(0);
    await c.close();
  });

  it('logs in with a wrong password only once it is right', async () => {
    const person = kept();
    if (!person) throw new Error('no account');
    const c = await context(browser, { lang: 'vi' });
    const page = await c.newPage();
    await page.goto(url);
    await page.fill('#login', person.login);
    await page.fill('#password', 'khong dung mat khau');
    const wrong = totp(person.secret);
    await page.fill('#code', wrong);
    await page.keyboard.press('Enter');
    await page.locator('[role=alert] .banner-danger').waitFor();
    await page.fill('#password', person.password);
    await page.fill('#code', await freshCode(person.secret, wrong));
    await page.keyboard.press('Enter');
    await page.locator('.rail').waitFor();
    keep({ ...person, cookies: await c.cookies() });
    await c.close();
  }, 90_000);
});
