/** A province is declared in the console: a unit, its system and a machine are made, changed, retired and deleted by pressing. */
import { readFile } from 'node:fs/promises';
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
    await page.locator('.card-head button.ant-btn').last().click();
    await page.fill('#asset-host', `thu-${tag}`);
    await page.fill('#asset-address', '10.9.8.7');
    await submit(page);
    await gone(page);
    const machine = page.locator('tr', { hasText: `thu-${tag}` });
    await machine.waitFor();

    // a list is checked first, names its wrong line, and changes nothing before every row fits
    const listed = page.locator('tr', { hasText: `ds-${tag}` });
    await page.locator('.card-head button.ant-btn').first().click();
    await page.fill('#asset-rows', `máy;địa chỉ;vùng\nds-${tag};10.9.8.8;internal\nsai-${tag};không phải địa chỉ;internal\n`);
    await submit(page);
    await dialog(page).locator('li', { hasText: 'Dòng 3' }).waitFor();
    expect(await listed.count()).toBe(0);
    await dialog(page)
      .locator('input[type=file]')
      .setInputFiles({
        name: 'may.csv',
        mimeType: 'text/csv',
        buffer: Buffer.from(`host,address\nds-${tag},10.9.8.8\nthu-${tag},10.9.8.7\n`),
      });
    await submit(page);
    await dialog(page).locator('[role=status] p', { hasText: 'Sẽ khai 1 máy; 1 máy đã có' }).waitFor();
    expect(await listed.count()).toBe(0);
    await submit(page);
    await gone(page);
    await listed.waitFor();
    await listed.locator('button').nth(1).click();
    await page.fill('#keep-name', (await listed.locator('.num.muted').first().innerText()).trim());
    await dialog(page).locator('.ant-btn-dangerous').click();
    await gone(page);
    await listed.waitFor({ state: 'detached' });

    // what was done stands in the audit log, and leaves it as a table
    await open(page, `/audit?q=${encodeURIComponent('asset.create')}`, 'vi');
    await page.locator('[role=row]', { hasText: 'khai máy' }).first().waitFor();
    const saved = page.waitForEvent('download');
    await page.locator('.filter .end button', { hasText: 'Xuất CSV' }).click();
    const file = await saved;
    const csv = await readFile(await file.path(), 'utf8');
    expect(file.suggestedFilename()).toMatch(/^hoalu-audit-.*\.csv$/);
    expect(csv.startsWith('\ufeffSố,Thời gian,')).toBe(true);
    expect(csv).toContain(',asset.create,khai máy,');
    await open(page, `/audit?q=${encodeURIComponent('audit.export')}`, 'vi');
    await page.locator('[role=row]', { hasText: 'xuất nhật ký thao tác' }).first().waitFor();

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
