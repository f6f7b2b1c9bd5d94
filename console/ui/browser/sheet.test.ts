/** What a form above a page owes to the hand: where the focus goes, what closes it and what may not, what is said when it is refused. */
import type { Route } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { open, url } from './desk';
import { desk, page, watched } from './watched';

watched();

const dialog = () => page.locator('dialog[open]');
const gone = () => dialog().waitFor({ state: 'detached' });
const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent || '');
/** A press of the pointer beside the layer, on what it covers. */
const beside = () => page.mouse.click(4, 4);
/** Opens the form that declares a unit. */
const unit = async () => {
  await open(page, '/admin/units', 'vi');
  await page.locator('.card-head button.ant-btn').click();
  await dialog().waitFor();
};
/** Answers of the server to what the form sends: held back until let go. */
const held = async (path: string) => {
  const sent: Route[] = [];
  await page.route(path, (r) => (r.request().method() === 'GET' ? r.continue() : void sent.push(r)));
  return sent;
};

/** The server says no. */
const refuse = (r: Route | undefined, detail = 'Máy chủ đang bận.') =>
  (r as Route).fulfill({
    status: 409,
    contentType: 'application/problem+json',
    body: JSON.stringify({ status: 409, code: 'name_taken', detail, do: '', fields: [] }),
  });

describe('the focus', () => {
  it('starts in the first field, stays in the layer and goes back to what opened it', async () => {
    await unit();
    expect(await focused()).toBe('unit-name');
    for (let i = 0; i < 8; i++) {
      await page.keyboard.press('Tab');
      // past its last stop a browser may go to its own bar, never to the page below
      expect(
        await page.evaluate(() => document.activeElement?.closest('dialog') !== null || document.activeElement === document.body),
      ).toBe(true);
    }
    await page.keyboard.press('Escape');
    await gone();
    expect(await focused()).toBe('Khai đơn vị');
  });

  it('starts where the form asks for it, when that is not the first field', async () => {
    const r = await desk.request.get(`${url}/api/sources?kind=syslog&limit=1`);
    const id = ((await r.json()) as { items: { id: string }[] }).items[0]?.id;
    await open(page, `/sources?sel=${id}`, 'vi');
    await page.locator('aside .actions-bar button').first().click();
    await dialog().waitFor();
    expect(await focused()).toBe('stop-reason');
  });
});

describe('what closes it', () => {
  it('a press beside it, while nothing was typed', async () => {
    await unit();
    await beside();
    await gone();
  });

  it('no press beside it once something was typed; Esc and the way back do', async () => {
    await unit();
    await page.keyboard.type('Sở Thử');
    await beside();
    expect(await page.inputValue('#unit-name')).toBe('Sở Thử');
    await page.keyboard.press('Escape');
    await gone();
    await unit();
    await dialog().getByRole('button', { name: 'Quay lại' }).last().click();
    await gone();
  });

  it('nothing while it is being saved, and it is sent once', async () => {
    const sent = await held('**/api/units');
    await unit();
    await page.keyboard.type('Sở Thử');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => sent.length).toBe(1);
    await page.keyboard.press('Control+Enter');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await beside();
    for (const b of await dialog().getByRole('button', { name: 'Quay lại' }).all()) expect(await b.isDisabled()).toBe(true);
    expect(sent.length).toBe(1);
    expect(await page.inputValue('#unit-name')).toBe('Sở Thử');
    await refuse(sent[0]);
    await dialog().locator('[role=alert]').waitFor();
    await page.keyboard.press('Escape');
    await gone();
  });

  it('no press beside it when what it shows is not to be had again', async () => {
    await open(page, '/admin/tokens', 'vi');
    await page.locator('main button.ant-btn').first().click();
    await page.fill('#tok-name', `thử ${Date.now().toString(36)}`);
    await dialog().locator('.roles input').nth(3).check();
    await dialog().locator('button[type=submit]').click();
    const secret = dialog().locator('.secret-once');
    await secret.waitFor();
    await beside();
    expect(await secret.innerText()).toMatch(/^hlt1_/);
    await page.keyboard.press('Escape');
    await gone();
  });
});

describe('what is refused', () => {
  it('is said in the form before anything is sent, and nothing is lost', async () => {
    const sent = await held('**/api/units');
    await unit();
    await page.selectOption('#unit-kind', 'commune');
    await page.keyboard.press('Control+Enter');
    expect(await dialog().locator('[role=alert]').innerText()).toBe('Gõ tên đơn vị.');
    expect(sent.length).toBe(0);
    expect(await page.inputValue('#unit-kind')).toBe('commune');
  });

  it('by the server, in its words; the fields stay, and it can be sent again', async () => {
    const sent = await held('**/api/units');
    await unit();
    await page.fill('#unit-name', 'Sở Thử');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => sent.length).toBe(1);
    const detail = 'Đã có đơn vị tên này.';
    await refuse(sent[0], detail);
    const alert = dialog().locator('[role=alert]');
    await alert.waitFor();
    expect(await alert.innerText()).toContain(detail);
    expect(await page.inputValue('#unit-name')).toBe('Sở Thử');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => sent.length).toBe(2);
    await refuse(sent[1]);
    await alert.waitFor();
  });
});

describe('a key of a source', () => {
  it('is revoked only after its id was typed: it does not come back', async () => {
    const made = await desk.request.post(`${url}/api/sources`, {
      data: { name: `thử khóa ${Date.now().toString(36)}`, kind: 'bulk', layers: [], version: 0 },
    });
    const { id } = (await made.json()) as { id: string };
    const r = await desk.request.post(`${url}/api/sources/${id}/keys`, { data: { label: 'máy trạm' } });
    const key = ((await r.json()) as { key: { id: string } }).key.id;
    await open(page, `/sources?sel=${id}`, 'vi');
    await page.locator('aside section p button').first().click();
    const revoke = dialog().locator('.ant-btn-dangerous');
    await revoke.waitFor();
    expect(await revoke.isDisabled()).toBe(true);
    await page.keyboard.press('Enter');
    expect(await focused()).toBe('revoke');
    await page.fill('#revoke', key);
    await revoke.click();
    await gone();
  });
});

describe('one’s own account', () => {
  it('says what is wrong beside each field, in our words and not the browser’s', async () => {
    await open(page, '/me', 'vi');
    await page.locator('form button[type=submit]').first().click();
    expect(await page.locator('.wrong').allInnerTexts()).toEqual([
      'Mật khẩu: cần ít nhất 12 ký tự, đang là 0.',
      'Gõ mật khẩu hiện tại.',
      'Gõ mã xác thực lớp hai.',
    ]);
    expect(await focused()).toBe('me-new');
    await page.locator('form button[type=submit]').nth(1).click();
    expect(await focused()).toBe('codes-now');
  });
});
