/** What most suites begin with: one desk that is logged in, and for each test a page of its own on which nothing may go wrong. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { launch, loggedIn, type Trouble, watch } from './desk';

export let browser: Browser;
export let desk: BrowserContext;
/** The page of the test that runs. */
export let page: Page;

/** Opens the desk before the first test of the suite and a page before each; fails a test whose page had trouble (see watch). */
export function watched(): void {
  let trouble: Trouble;
  beforeAll(async () => {
    browser = await launch();
    desk = await loggedIn(browser);
  });
  beforeEach(async () => {
    page = await desk.newPage();
    trouble = watch(page);
  });
  afterEach(async () => {
    expect(trouble).toEqual({ errors: [], foreign: [] });
    await page.close();
  });
  afterAll(() => browser.close());
}
