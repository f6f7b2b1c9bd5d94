import type { TFunction } from 'i18next';
import type { Lang } from './lang';
import { number } from './number';

/** How far the counts of an answer may be believed, in the words of the API. */
export interface Counting {
  /** counting stopped there */
  capped?: boolean | undefined;
  /** what could not be read, by name and reason */
  partial?: readonly string[] | null | undefined;
}

export const atLeast = (c: Counting): boolean => Boolean(c.capped || c.partial?.length);

/** A count as it may be said: 1.204 only when it is all of them, "ít nhất 1.204" otherwise. */
export function counted(n: number | undefined, c: Counting, lang: Lang, t: TFunction): string {
  return n !== undefined && atLeast(c) ? t('count.atLeast', { n: number(n, lang) }) : number(n, lang);
}

/** What pages of one answer could not read, "file: reason", each file once. */
export const unread = (pages: readonly Counting[]): string[] => [
  ...new Map(pages.flatMap((p) => p.partial ?? []).map((why) => [why.split(': ', 1)[0], why])).values(),
];
