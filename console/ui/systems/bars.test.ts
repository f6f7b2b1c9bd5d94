import { describe, expect, it } from 'vitest';
import { systemScore } from './bars';

const layer = (state: string, score: number, about?: string) => ({ id: 'x', state, score, about }) as never;

describe('systemScore', () => {
  it('is the lowest layer', () => {
    expect(systemScore([layer('met', 3), layer('met', 2), layer('met', 3), layer('met', 3)])).toBe(2);
  });
  it('is decided by a layer known to be low, whatever else is not known', () => {
    expect(systemScore([layer('unknown', 0), layer('not_met', 1), layer('unknown', 0), layer('met', 3)])).toBe(1);
  });
  it('does not count what is about the appliance', () => {
    expect(systemScore([layer('met', 3), layer('met', 2), layer('met', 3), layer('not_met', 0, 'appliance')])).toBe(2);
    expect(systemScore([layer('met', 3), layer('met', 2), layer('met', 3), layer('unknown', 0, 'appliance')])).toBe(2);
  });
  it('stays open where a layer is not known and none is known to be low', () => {
    expect(systemScore([layer('unknown', 0), layer('met', 3), layer('met', 2), layer('met', 3)])).toBeUndefined();
  });
});
