/** A citizen's number that a person types reaches the appliance in the body of a request only: no address holds it. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, loggedIn, open } from './desk';

let browser: Browser;
let desk: BrowserContext;
beforeAll(async () => {
  browser = await launch();
  desk = await loggedIn(browser);
});
afterAll(() => browser.close());

const number = '037095001234';
const spaced = '037 095 001 234';
const bare = (s: string) => decodeURIComponent(s.replaceAll('+', ' ')).replace(/\D/g, '');

/** Every address that the page had or asked for, with the digits of the number in it. */
async function addresses(page: Page, act: () => Promise<void>): Promise<string[]> {
  const seen: string[] = [];
  page.on('request', (r) => seen.push(r.url()));
  page.on('framenavigated', (f) => seen.push(f.url()));
  await act();
  // longer than a field rests before it asks
  await page.waitForTimeout(600);
  seen.push(page.url());
  return seen.filter((u) => bare(u).includes(number));
}

describe.each([number, spaced])('%s', (typed) => {
  it('from the palette goes to the search under a name', async () => {
    const page = await desk.newPage();
    await open(page, '/', 'vi');
    await page.keyboard.press('Control+k');
    const found = await addresses(page, async () => {
      await page.locator('.palette-field').pressSequentially(typed);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/search?sq=*');
    });
    expect(found).toEqual([]);
    await page.close();
  });

  it('in the query is stored, and a word says what became of it', async () => {
    const page = await desk.newPage();
    await open(page, '/search', 'vi');
    const found = await addresses(page, async () => {
      await page.fill('#query', `"${typed}"`);
      await page.keyboard.press('Enter');
      await page.waitForURL('**/search?*sq=*');
      await page.locator('.search-token').waitFor();
    });
    expect(found).toEqual([]);
    expect(await page.inputValue('#query')).not.toContain(typed);
    await page.close();
  });

  it.each(['/alerts', '/systems', '/sources', '/rules', '/audit'])(
    'in the filter of %s is not sent, and a word says so',
    async (path) => {
      const page = await desk.newPage();
      await open(page, path, 'vi');
      const found = await addresses(page, async () => {
        await page.locator('.filter-field input').first().pressSequentially(typed, { delay: 5 });
        await page.locator('.chip-warn[role=status]').first().waitFor();
      });
      expect(found).toEqual([]);
      await page.close();
    },
  );
});
