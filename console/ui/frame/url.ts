import { useCallback, useMemo } from 'react';
import { useLocation, useSearchParams } from 'react-router';
import { fromLocalField, shift, weekStart } from '../format/time';

/** Reads and writes parameters of the URL; an empty value leaves it out. */
export function useView(): [URLSearchParams, (changes: Record<string, string | undefined>, push?: boolean) => void] {
  const [params, setParams] = useSearchParams();
  const { pathname } = useLocation();
  const change = useCallback(
    (changes: Record<string, string | undefined>, push = false) => {
      // the next page may still be loading: this one must not pull the person back
      if (window.location.pathname !== pathname) return;
      setParams(
        (old) => {
          const next = new URLSearchParams(old);
          for (const [k, v] of Object.entries(changes)) {
            if (v === undefined || v === '') next.delete(k);
            else next.set(k, v);
          }
          return next;
        },
        { replace: !push },
      );
    },
    [setParams, pathname],
  );
  return [params, change];
}

export const ranges = ['15m', '1h', '24h', '7d', 'shift', 'week'] as const;

export interface Range {
  /** as in the URL: 24h, or two local times joined by _ */
  name: string;
  from: number;
  to: number;
  /** ends now and moves with it */
  moving: boolean;
}

const widths: Record<string, number> = { '15m': 900_000, '1h': 3_600_000, '24h': 86_400_000, '7d': 604_800_000 };

export function rangeOf(name: string, now: number): Range {
  const width = widths[name];
  if (width) return { name, from: now - width, to: now, moving: true };
  if (name === 'shift') return { name, from: shift(now).from, to: now, moving: true };
  if (name === 'week') return { name, from: weekStart(now), to: now, moving: true };
  const [a, b] = name.split('_');
  const num = (s: string | undefined) => (s && /^\d{12,}$/.test(s) ? Number(s) : fromLocalField(s ?? ''));
  const from = num(a);
  const to = num(b);
  if (from !== undefined && to !== undefined && to > from) return { name, from, to, moving: false };
  return rangeOf('24h', now);
}

/** The time range of the page; `at` is the instant at which a moving range was taken. */
export function useRange(at: number): [Range, (name: string) => void] {
  const [params, change] = useView();
  const name = params.get('t') ?? '24h';
  const range = useMemo(() => rangeOf(name, at), [name, at]);
  return [range, useCallback((n: string) => change({ t: n === '24h' ? undefined : n, after: undefined }, true), [change])];
}
