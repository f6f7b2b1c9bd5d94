import type { Part, Status } from '../api/client';
import type { Posture } from '../design/tokens';

export type PartState = 'notReady' | 'unconfirmed' | 'unused' | 'ready';

/** How a part of the appliance is: ready only where something says that it is right. The link to the centre is as the bar tells it. */
export function partState(part: Part, status: Pick<Status, 'national'> | undefined): PartState {
  const link = part.name === 'national_link' ? status?.national?.state : undefined;
  if (!part.ready) return 'notReady';
  if (part.unknown || link === 'unknown') return 'unconfirmed';
  return link === 'unset' ? 'unused' : 'ready';
}

export const partSign: Record<PartState, Posture> = {
  notReady: 'not_met',
  unconfirmed: 'unknown',
  unused: 'not_applicable',
  ready: 'met',
};

/** reasonOf is what is wrong with a part, in the reader's language where there are words for it; undefined: nothing. */
export const reasonOf = (part: Part, lang: string) => part.said?.[lang] ?? part.reason;
