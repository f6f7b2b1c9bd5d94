import { useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useMemo } from 'react';

interface PageOf<T> {
  items: T[];
  total: number;
  capped: boolean;
  next: string;
  as_of: string | null;
}

/** A list that the server sorts, filters and pages by cursor; it stands still until asked again. */
export function useCursor<T, P extends PageOf<T>>(
  key: readonly unknown[],
  fetchPage: (after: string | undefined) => Promise<P>,
  on = true,
) {
  const list = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => fetchPage(pageParam || undefined),
    initialPageParam: '',
    getNextPageParam: (l: P) => l.next || undefined,
    staleTime: Number.POSITIVE_INFINITY,
    enabled: on,
  });
  const rows = useMemo(() => (list.data?.pages ?? []).flatMap((p) => p.items), [list.data]);
  const more = useCallback(() => {
    if (list.hasNextPage && !list.isFetchingNextPage) list.fetchNextPage();
  }, [list.hasNextPage, list.isFetchingNextPage, list.fetchNextPage]);
  return { list, rows, first: list.data?.pages[0], more };
}

/** Leaves empty parameters out: what reads one of them says itself what stands for none. */
export function given<T extends Record<string, unknown>>(q: T): Partial<T> {
  return Object.fromEntries(Object.entries(q).filter(([, v]) => v !== undefined && v !== '')) as Partial<T>;
}
