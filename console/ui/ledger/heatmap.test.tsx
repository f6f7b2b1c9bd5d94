import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import '../locales/i18n';
import { HeatMap } from './HeatMap';

const to = Date.parse('2026-12-01T05:51:00Z');
const from = to - 24 * 3_600_000;
const cells = [{ minute: '2026-12-01T05:50:00Z', state: 'unchecked' as const, difference: 0 }];
const drawn = (kept: number | undefined) => {
  const html = renderToStaticMarkup(<HeatMap cells={cells} from={from} to={to} kept={kept} />);
  const striped = /fill="url\(#heat-stripes\)"[^>]*width="([\d.]+)"/.exec(html);
  return { html, striped: striped ? Number(striped[1]) : 0, whole: Number(/viewBox="0 0 (\d+)/.exec(html)?.[1]) };
};

it('while no minute is reconciled, no part of the day is drawn as one that was', () => {
  const { html, striped, whole } = drawn(undefined);
  expect(striped).toBeGreaterThan(whole * 0.97);
  expect(html).toContain('chưa có sổ');
  expect(html).not.toContain('đã đối soát, không lệch');
});

it('from the first reconciled minute on, what is empty was reconciled', () => {
  const { html, striped, whole } = drawn(to - 12 * 3_600_000);
  expect(striped / whole).toBeGreaterThan(0.45);
  expect(striped / whole).toBeLessThan(0.55);
  expect(html).toContain('đã đối soát, không lệch');
  expect(drawn(from - 3_600_000).striped).toBe(0);
});
