import { type InfiniteData, type QueryClient, useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { type AlertActionBody, type AlertDetail, type AlertItem, type AlertsAnswer, client, take } from '../api/client';
import { ms } from '../format/time';
import { statusKey } from '../frame/Frame';
import { serverNow } from '../live/clock';
import { useNotices, usePolling } from '../live/stream';

export interface Filters {
  view: string;
  q?: string;
  sev?: string[];
  status?: string[];
  system?: string;
  rule?: string;
  host?: string;
  user?: string;
  address?: string;
  attack?: string;
  from?: string;
  to?: string;
  sort: string;
  group?: string;
}

type List = InfiniteData<AlertsAnswer, string>;

const LIMIT = 100;

/** How many alerts of the latest page came after asOf; undefined where the page is full, of new ones and others that changed: it is not all. */
export function newOnPage(items: AlertItem[], here: ReadonlySet<string>, asOf: number): number | undefined {
  if (items.length >= LIMIT) return undefined;
  return items.filter((a) => !here.has(a.id) && (ms(a.created) ?? 0) > asOf).length;
}

function query(f: Filters, more: Record<string, string | number | undefined>) {
  const q: Record<string, unknown> = { ...f, ...more };
  for (const k of Object.keys(q))
    if (q[k] === undefined || q[k] === '' || (Array.isArray(q[k]) && (q[k] as unknown[]).length === 0)) delete q[k];
  return q as never;
}

const fetchPage = (f: Filters, after: string, more: Record<string, string | number | undefined> = {}) =>
  take(client.GET('/api/alerts', { params: { query: query(f, { limit: LIMIT, after, ...more }) } }));

/** Puts changed alerts into every list and detail in place; nothing is added, moved or removed. */
export function patch(queries: QueryClient, changed: AlertItem[]): void {
  if (changed.length === 0) return;
  const by = new Map(changed.map((a) => [a.id, a]));
  queries.setQueriesData<List>({ queryKey: ['alerts', 'list'] }, (old) =>
    old
      ? {
          ...old,
          pages: old.pages.map((p) =>
            p.items.some((a) => by.has(a.id)) ? { ...p, items: p.items.map((a) => newer(a, by.get(a.id))) } : p,
          ),
        }
      : old,
  );
  queries.setQueriesData<AlertDetail>({ queryKey: ['alert'] }, (old) => {
    const a = old && by.get(old.id);
    return old && a && a.version >= old.version ? { ...old, ...a } : old;
  });
}

function newer(a: AlertItem, b: AlertItem | undefined): AlertItem {
  return b && b.version >= a.version ? b : a;
}

/** The queue as taken in; later alerts are counted and wait. */
export function useAlerts(filters: Filters) {
  const queries = useQueryClient();
  const key = JSON.stringify(filters);
  const [taken, setTaken] = useState(0);
  const listKey = useMemo(() => ['alerts', 'list', key, taken] as const, [key, taken]);
  const list = useInfiniteQuery({
    queryKey: listKey,
    queryFn: ({ pageParam }) => fetchPage(filters, pageParam),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    placeholderData: (old) => old,
  });
  const rows = useMemo(() => {
    const seen = new Set<string>();
    return (list.data?.pages ?? []).flatMap((p) => p.items).filter((a) => !seen.has(a.id) && seen.add(a.id));
  }, [list.data]);
  const first = list.data?.pages[0];
  const asOf = ms(first?.as_of) ?? 0;
  const [waiting, setWaiting] = useState(0);
  // Looks overlap when answers are slow: an older one, or one of another list, must not say its count after a newer.
  const looks = useRef({ begun: 0, told: 0 });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list begins its count anew
  useEffect(() => {
    looks.current.told = looks.current.begun;
    setWaiting(0);
  }, [listKey]);

  const look = useRef<() => void>(() => undefined);
  look.current = async () => {
    if (!asOf || list.isPlaceholderData) return;
    const turn = ++looks.current.begun;
    try {
      const latest = await fetchPage(
        { ...filters, group: undefined, from: new Date(asOf - 60_000).toISOString(), sort: '-last' },
        '',
      );
      const here = new Set(rows.map((a) => a.id));
      // An alert may become visible a moment after the time it was made at.
      const since = asOf - 1000;
      const more =
        newOnPage(latest.items, here, asOf) ??
        (await fetchPage({ ...filters, group: undefined }, '', { since: new Date(since).toISOString(), limit: 1 })).total -
          rows.filter((a) => (ms(a.created) ?? 0) >= since).length;
      if (turn <= looks.current.told) return;
      looks.current.told = turn;
      setWaiting(more);
      patch(
        queries,
        latest.items.filter((a) => here.has(a.id)),
      );
      queries.setQueriesData<List>({ queryKey: listKey, exact: true }, (old) =>
        old?.pages[0]
          ? { ...old, pages: [{ ...old.pages[0], views: latest.views, today: latest.today }, ...old.pages.slice(1)] }
          : old,
      );
    } catch {
      // the live chip says that answers are missing
    }
  };
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const changed = useRef(new Set<string>());
  const soon = useCallback(() => {
    timer.current ??= setTimeout(async () => {
      timer.current = undefined;
      look.current();
      const ids = [...changed.current].slice(0, 12);
      changed.current.clear();
      const got = await Promise.all(ids.map((id) => fetchAlert(id).catch(() => undefined)));
      for (const a of got) if (a) queries.setQueryData(['alert', a.id], (old: AlertDetail | undefined) => (old ? a : old));
      patch(
        queries,
        got.filter((a) => a !== undefined),
      );
    }, 800);
  }, [queries]);
  useEffect(() => () => clearTimeout(timer.current), []);
  useNotices(['alert'], (n) => {
    if (n.id && rowsRef.current.has(n.id)) changed.current.add(n.id);
    soon();
  });
  const rowsRef = useRef(new Set<string>());
  rowsRef.current = useMemo(() => new Set(rows.flatMap((a) => [a.id, a.number])), [rows]);
  const polling = usePolling();
  useEffect(() => {
    if (!polling) return;
    const t = setInterval(() => look.current(), polling);
    return () => clearInterval(t);
  }, [polling]);

  return {
    list,
    rows,
    first,
    asOf,
    waiting,
    takeIn: () => {
      setTaken(serverNow());
      queries.invalidateQueries({ queryKey: statusKey });
    },
  };
}

export const fetchAlert = (id: string) => take(client.GET('/api/alerts/{id}', { params: { path: { id } } }));

export function useAlert(id: string | undefined) {
  return useQuery({
    queryKey: ['alert', id],
    queryFn: () => fetchAlert(id as string),
    enabled: Boolean(id),
    staleTime: 15_000,
    refetchInterval: usePolling(),
  });
}

export function useGroup(filters: Filters, key: string | undefined) {
  return useQuery({
    queryKey: ['alerts', 'group', JSON.stringify(filters), key],
    queryFn: () => fetchPage(filters, '', { group_key: key }),
    enabled: Boolean(key),
    staleTime: 30_000,
  });
}

export const act = (body: AlertActionBody) => take(client.POST('/api/alerts/actions', { body }));
export const undo = (token: string) => take(client.POST('/api/undo', { body: { token } }));

export function can(deeds: readonly string[] | undefined, deed: string): boolean {
  return Boolean(deeds?.some((d) => d === deed || d.endsWith(`.${deed}`)));
}

export const reasons = ['true_attack', 'authorised', 'false_alarm', 'duplicate', 'exercise', 'inconclusive'] as const;
export type Reason = (typeof reasons)[number];
