import { describe, expect, it } from 'vitest';
import { series } from './history';

describe('series', () => {
  it('undoes changes, newest first', () => {
    const day = 86_400_000;
    const to = Date.parse('2026-11-21T16:59:59Z');
    const change = (ago: number, from: string, next: string) =>
      ({ control: 'x', title: {}, at: new Date(to - ago * day - 1000).toISOString(), from, to: next, because: [] }) as never;
    const got = series(
      { met: 3, not_met: 1, unknown: 0, not_applicable: 0 },
      [change(2, 'unknown', 'met'), change(0, 'met', 'not_met')],
      to - 3 * day,
      to,
    );
    expect(got.map((d) => [d.counts.met, d.counts.not_met, d.counts.unknown])).toEqual([
      [3, 0, 1],
      [4, 0, 0],
      [4, 0, 0],
      [3, 1, 0],
    ]);
  });
  it('counts no layer', () => {
    const to = Date.parse('2026-11-21T16:59:59Z');
    const at = new Date(to - 1000).toISOString();
    const layer = { control: 'LAYER-4', layer: true, title: {}, at, from: 'not_met', to: 'met', because: [] } as never;
    const got = series({ met: 1, not_met: 0, unknown: 0, not_applicable: 0 }, [layer], to - 86_400_000, to);
    expect(got.map((d) => [d.counts.met, d.counts.not_met])).toEqual([
      [1, 0],
      [1, 0],
    ]);
  });
  it('takes what was not known yet for unknown', () => {
    const to = Date.parse('2026-11-21T16:59:59Z');
    const first = { control: 'x', title: {}, at: new Date(to - 1000).toISOString(), to: 'met', because: [] } as never;
    const got = series({ met: 1, not_met: 0, unknown: 0, not_applicable: 0 }, [first], to - 86_400_000, to);
    expect(got.map((d) => [d.counts.met, d.counts.unknown])).toEqual([
      [0, 1],
      [1, 0],
    ]);
  });
});
