import type { SourceItem } from '../api/client';
import { number } from '../format/number';
import { span } from '../format/time';

/** Has anything arrived that the figures of a source can be of? */
export const measured = (s: SourceItem) => Boolean(s.last_event) && s.state !== 'never' && s.state !== 'unknown';

/** Shares and offsets are of the events of the last look: where none came, there is nothing that they are of. */
export const inWindow = (s: SourceItem) => measured(s) && (s.rate ?? 0) > 0;

/** The locale's key of why the rate of a source is not known. */
export const whyNoRate = (s: SourceItem) =>
  measured(s) && s.rate === undefined ? 'sources.rateAfterStart' : 'sources.neverMeasured';

/** The locale's key of why the share of a source's events is not known. */
export const whyNoShare = (s: SourceItem) => (measured(s) && s.rate !== undefined ? 'sources.noneInWindow' : whyNoRate(s));

export function offset(v: number, lang: 'vi' | 'en'): string {
  return Math.abs(v) < 1000 ? `${number(v, lang)} ms` : `${v < 0 ? '−' : ''}${span(Math.abs(v), lang)}`;
}
