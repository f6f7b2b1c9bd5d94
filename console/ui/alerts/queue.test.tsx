import { renderToStaticMarkup } from 'react-dom/server';
import { MemoryRouter } from 'react-router';
import { describe, expect, it } from 'vitest';
import type { AlertGroup, AlertItem } from '../api/client';
import '../locales/i18n';
import { useColumns } from './columns';
import { newOnPage } from './data';
import { NoAlerts } from './NoAlerts';
import type { Row } from './rows';

const empty = (view: string, filtered = false) =>
  renderToStaticMarkup(
    <MemoryRouter>
      <NoAlerts view={view} filtered={filtered} onClear={() => undefined} status={undefined} />
    </MemoryRouter>,
  );

describe('an empty queue', () => {
  it('says of the closed ones that there are none, and asks to remove no filter that is not there', () => {
    const html = empty('closed');
    expect(html).toContain('Chưa có cảnh báo nào được đóng.');
    expect(html).not.toContain('<button');
    expect(html).not.toContain('lọc');
  });
  it('says of one\u2019s own that there are none', () => {
    expect(empty('mine')).toContain('Không có cảnh báo nào giao cho bạn.');
  });
  it('offers to clear a filter that is there', () => {
    expect(empty('closed', true)).toMatch(/<button/);
  });
  it('is not quiet where no source is known to send', () => {
    expect(empty('open')).toContain('chưa phải là yên');
  });
});

const group: AlertGroup = {
  key: 'k',
  label: '6f7b9c4e-2d1a-4f3b-9a55-0c8e6d2b7f10',
  title: { vi: 'Dò mật khẩu', en: 'Password guessing' },
  count: 2,
  severity: 'high',
  score: 67,
  first: '2026-11-30T07:00:00Z',
  last: '2026-11-30T07:05:00Z',
} as AlertGroup;

function Cell({ row, column }: { row: Row; column: string }) {
  const c = useColumns(new Set(), false).find((x) => x.key === column);
  return <>{c?.cell(row)}</>;
}
const cell = (column: string, row: Row) =>
  renderToStaticMarkup(
    <MemoryRouter>
      <Cell row={row} column={column} />
    </MemoryRouter>,
  );

describe('a row of a group', () => {
  const drawn = (g: Partial<AlertGroup>) => cell('title', { kind: 'group', g: { ...group, ...g }, open: false });
  it('says that its alerts are samples or of an exercise, or how many', () => {
    expect(drawn({ demo: 2 })).toMatch(/chip-demo">dữ liệu mẫu</);
    expect(drawn({ demo: 1 })).toMatch(/chip-demo">dữ liệu mẫu 1\/2</);
    expect(drawn({ exercise: 2 })).toMatch(/chip-demo">diễn tập</);
    expect(drawn({})).not.toContain('chip');
  });
  it('names the rule, not its number', () => {
    expect(drawn({})).toContain('Dò mật khẩu');
    expect(drawn({})).not.toContain('6f7b9c4e');
    expect(drawn({ title: {}, label: '198.51.100.47' })).toContain('198.51.100.47');
  });
});

it('the system of an alert has its whole name in two lines, with its level', () => {
  const a = { system: { id: 'HT-003', name: 'Quản lý văn bản và điều hành Đinh Bộ', level: 3 } } as AlertItem;
  const html = cell('system', { kind: 'alert', a });
  expect(html).toContain('clamp');
  expect(html).toContain('title="Quản lý văn bản và điều hành Đinh Bộ · Cấp độ 3"');
  expect(html).toContain('Cấp độ 3');
});

describe('how many came since', () => {
  const asOf = Date.parse('2026-11-30T07:00:00Z');
  const page = (fresh: number, changed: number) => [
    ...Array.from({ length: fresh }, (_, i) => ({ id: `n${i}`, created: '2026-11-30T07:00:01Z' }) as AlertItem),
    ...Array.from({ length: changed }, (_, i) => ({ id: `o${i}`, created: '2026-11-30T06:00:00Z' }) as AlertItem),
  ];
  const here = new Set(['o0', 'o1', 'o2']);
  it('is counted on a page that holds all, without those that only changed', () => {
    expect(newOnPage(page(97, 2), here, asOf)).toBe(97);
    expect(newOnPage([], here, asOf)).toBe(0);
  });
  it('is not known from a full page, also where others that changed stand on it', () => {
    expect(newOnPage(page(100, 0), here, asOf)).toBeUndefined();
    expect(newOnPage(page(98, 2), here, asOf)).toBeUndefined();
  });
});
