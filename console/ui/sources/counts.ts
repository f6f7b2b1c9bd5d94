import type { SourceCounts, SourcesStatus } from '../api/client';

export type SourceState = Exclude<keyof SourceCounts, 'total'>;

/** Where a count of real sources opens to exactly its rows; the sample set is left out by name only where there is one. */
export function realSources(s: SourcesStatus, state?: SourceState): string {
  return `/sources${query({ state, demo: s.samples.total > 0 ? 'no' : undefined })}`;
}

export function sampleSources(state?: SourceState): string {
  return `/sources${query({ state, demo: 'only' })}`;
}

function query(params: Record<string, string | undefined>): string {
  const q = new URLSearchParams(Object.entries(params).filter((e): e is [string, string] => e[1] !== undefined)).toString();
  return q ? `?${q}` : '';
}

/** How many rows a state has in the list, by which sources are listed. */
export function listed(s: SourcesStatus, demo: string | undefined, state: keyof SourceCounts): number {
  return (demo === 'only' ? 0 : s[state]) + (demo === 'no' ? 0 : s.samples[state]);
}
