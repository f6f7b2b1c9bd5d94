/** A province is declared in the console: a unit, its system and a machine are made, changed, retired and deleted by pressing. */
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launch, loggedIn, open, watch } from './desk';

let browser: Browser;
let desk: BrowserContext;
beforeAll(async () => {
  browser = await launch();
  desk = await loggedIn(browser);
});
afterAll(() => browser.close());

const dialog = (page: Page) => page.locator('dialog[open]');
const submit = (page: Page) => dialog(page).locator('button[type=submit]').click();
const gone = (page: Page) => dialog(page).waitFor({ state: 'detached' });

describe('a province', () => {
  const tag = Date.now().toString(36);
  const unit = `Sở Thử nghiệm ${tag}`;
  const system = `Cổng thử ${tag}`;

  it('is declared, kept and cleared', async () => {
    const page = await desk.newPage();
    const trouble = watch(page);
    await open(page, '/admin/units', 'vi');
    await page.locator('.card-head button.ant-btn').click();
    await submit(page); // our words, beside the form
    await dialog(page).locator('[role=alert]').waitFor();
    await page.fill('#unit-name', unit);
    await submit(page);
    await gone(page);
    const unitRow = page.locator('tr', { hasText: unit });
    await unitRow.waitFor();
    const unitId = (await unitRow.locator('.num.muted').innerText()).trim();

    await open(page, '/systems', 'vi');
    await page.locator('.page-head .end button').first().click();
    await page.fill('#sys-name', system);
    await page.selectOption('#sys-unit', { label: unit });
    expect(await page.inputValue('#sys-level'), 'no level is chosen beforehand').toBe('');
    await submit(page);
    await dialog(page).locator('[role=alert]').waitFor();
    await page.selectOption('#sys-level', '2');
    await submit(page);
    await page.waitForURL('**/systems/HT-*');
    const systemId = new URL(page.url()).pathname.split('/').at(-1) as string;

    await open(page, `/systems/${systemId}?tab=assets`, 'vi');
    await page.locator('.card-head button.ant-btn').click();
    await page.fill('#asset-host', `thu-${tag}`);
    await page.fill('#asset-address', '10.9.8.7');
    await submit(page);
    await gone(page);
    const machine = page.locator('tr', { hasText: `thu-${tag}` });
    await machine.waitFor();

    // a unit that is used says by what, and is not deleted
    await open(page, '/admin/units', 'vi');
    await unitRow.locator('button').nth(1).click();
    await page.fill('#keep-name', unitId);
    await dialog(page).locator('.ant-btn-dangerous').click();
    await dialog(page).locator('.uses', { hasText: system }).waitFor();
    await page.keyboard.press('Escape');

    // from the leaf to the root: the machine, the system (retired, back, deleted), the unit
    await open(page, `/systems/${systemId}?tab=assets`, 'vi');
    const assetId = (await machine.locator('.num.muted').first().innerText()).trim();
    await machine.locator('button').nth(1).click();
    await page.fill('#keep-name', assetId);
    await dialog(page).locator('.ant-btn-dangerous').click();
    await gone(page);
    await machine.waitFor({ state: 'detached' });

    for (const sign of ['attached', 'detached'] as const) {
      await page.locator('.page-head .end button').last().click();
      await page.fill('#keep-reason', 'thử');
      await submit(page);
      await gone(page);
      await page.locator('.page-head .chip-warn').waitFor({ state: sign });
    }
    await page.locator('.page-head .end button').last().click();
    await page.fill('#keep-name', systemId);
    await dialog(page).locator('.ant-btn-dangerous').click();
    await page.waitForURL('**/systems');

    await open(page, '/admin/units', 'vi');
    await unitRow.locator('button').nth(1).click();
    await page.fill('#keep-name', unitId);
    await dialog(page).locator('.ant-btn-dangerous').click();
    await gone(page);
    await unitRow.waitFor({ state: 'detached' });
    expect(trouble).toEqual({ errors: [], foreign: [] });
    await page.close();
  }, 180_000);

  it('an invitation has nothing ticked and warns where an analyst joins an owner', async () => {
    const page = await desk.newPage();
    await open(page, '/admin/accounts', 'vi');
    await page.locator('main button.ant-btn').first().click();
    const boxes = dialog(page).locator('.roles input');
    await boxes.first().waitFor();
    expect(await boxes.evaluateAll((all) => all.filter((b) => (b as HTMLInputElement).checked).length)).toBe(0);
    expect(await dialog(page).locator('button[type=submit]').isDisabled()).toBe(true);
    await boxes.nth(0).check();
    expect(await dialog(page).locator('.roles .warn-text').count()).toBe(0);
    await boxes.nth(2).check();
    await dialog(page).locator('.roles .warn-text').waitFor();
    await page.close();
  });
});
