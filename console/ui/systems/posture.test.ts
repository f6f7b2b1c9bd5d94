import { describe, expect, it } from 'vitest';
import { firstShown } from './Posture';

const f = (control: string, state: string, about?: string) => ({ control, state, about });

describe('the requirement shown before one is chosen', () => {
  it('is one that the system itself fails, though the SOC fails an earlier one', () => {
    expect(firstShown([f('A', 'met'), f('B', 'not_met', 'appliance'), f('C', 'unknown'), f('D', 'not_met')])?.control).toBe('D');
  });
  it('is one that is not proven where it fails none', () => {
    expect(firstShown([f('B', 'not_met', 'appliance'), f('C', 'unknown')])?.control).toBe('C');
  });
  it('is what the SOC fails where nothing else is open', () => {
    expect(firstShown([f('A', 'met'), f('B', 'not_met', 'appliance')])?.control).toBe('B');
    expect(firstShown([])).toBeUndefined();
  });
});
