import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import '../locales/i18n';
import { BarsTable, halfStep, hasTime } from './TimeBars';

const at = Date.parse('2026-11-30T07:00:00Z');
const data = {
  from: at,
  to: at + 7_200_000,
  step: 3_600_000,
  gaps: [],
  series: [{ key: 'events', name: 'sự kiện', values: [[at, 1204] as [number, number]] }],
};
const drawn = (atLeast: boolean) =>
  renderToStaticMarkup(<BarsTable label="x" data={data} atLeast={atLeast} gapAt={() => false} />);

it('the figure of a bar is said to be at least that where not all could be read', () => {
  expect(drawn(true)).toContain('>ít nhất 1.204<');
  expect(drawn(false)).toContain('>1.204<');
});

it('times stand under the bars at one distance, eight at most', () => {
  for (const n of [1, 7, 8, 9, 24, 25, 48, 96, 168, 500]) {
    for (const phone of [false, true]) {
      for (const day of [false, true]) {
        const shown = Array.from({ length: n }, (_, i) => i).filter((i) => hasTime(i, n, phone, day));
        expect(shown.length, `${n} bars`).toBeGreaterThan(0);
        expect(shown.length, `${n} bars`).toBeLessThanOrEqual(phone ? (day ? 2 : 4) : 8);
        expect(new Set(shown.slice(1).map((v, i) => v - (shown[i] as number))).size, `${n} bars`).toBeLessThanOrEqual(1);
      }
    }
  }
});

it('the axis of figures has three lines, at round whole figures, and no bar above it', () => {
  const bars = (...n: number[]) => [{ key: 'events', name: 'x', values: n.map((v, i) => [i, v] as [number, number]) }];
  for (const n of [0, 1, 2, 3, 7, 24, 99, 101, 4_999, 42_182, 1_000_001]) {
    const half = halfStep(bars(0, n));
    expect(Number.isInteger(half), `${n}`).toBe(true);
    expect(2 * half, `${n}`).toBeGreaterThanOrEqual(n);
    expect(2 * half, `${n}`).toBeLessThanOrEqual(Math.max(2, 2.6 * n));
  }
  expect(halfStep(bars(42_182))).toBe(25_000);
  expect(halfStep([...bars(30, 1), ...bars(30, 1)])).toBe(50);
});
