import type { Counts, PostureChange } from '../api/client';
import { ms } from '../format/time';

const DAY = 86_400_000;

/**
 * Counts at the end of each day, worked back from now: undoing each change of the list, newest first, gives the counts before it.
 * A requirement of which nothing was known yet counts as unknown; the layers are no requirements.
 */
export function series(now: Counts, changes: PostureChange[], from: number, to: number): { day: number; counts: Counts }[] {
  const counts = { ...now };
  const sum = (c: Counts) => c.met + c.not_met + c.unknown + c.not_applicable;
  const total = sum(now);
  const sorted = changes.filter((c) => !c.layer).sort((a, b) => (ms(b.at) ?? 0) - (ms(a.at) ?? 0));
  const out: { day: number; counts: Counts }[] = [];
  let i = 0;
  for (let day = to; day >= from; day -= DAY) {
    while (i < sorted.length && (ms(sorted[i]?.at) ?? 0) > day) {
      const c = sorted[i++];
      if (!c) continue;
      bump(counts, c.to, -1);
      if (c.from) bump(counts, c.from, 1);
    }
    out.push({ day, counts: { ...counts, unknown: counts.unknown + Math.max(0, total - sum(counts)) } });
  }
  return out.reverse();
}

function bump(c: Counts, state: string | undefined, by: number): void {
  if (state === 'met' || state === 'not_met' || state === 'unknown' || state === 'not_applicable')
    c[state] = Math.max(0, c[state] + by);
}
