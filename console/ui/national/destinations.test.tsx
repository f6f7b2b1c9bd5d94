import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import type { NationalSummary } from '../api/client';
import '../locales/i18n';
import { Destinations } from './Destinations';

const point = (id: number, state: 'good' | 'late', waiting: number): NationalSummary['destinations'][number] => ({
  id,
  state,
  waiting,
  refused: 0,
  endpoint: `https://tt${id}.gov.vn/nhan`,
  channel: 'json',
  heartbeat_seconds: 300,
  reconciles: true,
  today: { day: '2026-11-30', made: 0, accepted: 0, refused: 0, waiting, state: 'open' },
  days: [],
});

const html = (list: NationalSummary['destinations'], chosen: number) =>
  renderToStaticMarkup(<Destinations list={list} chosen={chosen} choose={() => {}} />);

test('one receiving point needs no list', () => {
  expect(html([point(1, 'good', 0)], 0)).toBe('');
});

test('each of several receiving points has its own state, its own waiting reports and no receipt it never gave', () => {
  const rows = html([point(1, 'good', 0), point(2, 'late', 7)], 2)
    .split('<tr>')
    .slice(2);
  expect(rows).toHaveLength(2);
  expect(rows[0]).toContain('tt1.gov.vn');
  expect(rows[0]).toContain('Bình thường');
  expect(rows[0]).toContain('aria-pressed="false"');
  expect(rows[1]).toContain('tt2.gov.vn');
  expect(rows[1]).toContain('Chậm');
  expect(rows[1]).toContain('>7<');
  expect(rows[1]).toContain('aria-pressed="true"');
  expect(rows[1]).toContain('chưa có biên nhận');
});
