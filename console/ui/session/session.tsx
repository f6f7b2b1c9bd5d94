import { useQuery } from '@tanstack/react-query';
import { createContext, useContext } from 'react';
import { client, type Me, ProblemError, take } from '../api/client';
import { ms } from '../format/time';
import { setServerTime } from '../live/clock';

export const meKey = ['me'] as const;

/** Who is logged in; null when nobody is. */
export function useMeQuery() {
  return useQuery({
    queryKey: meKey,
    queryFn: async (): Promise<Me | null> => {
      try {
        const me = await take(client.GET('/api/me'));
        const now = ms(me.now);
        if (now) setServerTime(now, 500);
        return me;
      } catch (e) {
        if (e instanceof ProblemError && e.status === 401) return null;
        throw e;
      }
    },
    staleTime: 60_000,
    refetchInterval: 300_000,
  });
}

const Person = createContext<Me | null>(null);
export const PersonProvider = Person.Provider;

/** The person at the desk. */
export function useMe(): Me {
  const me = useContext(Person);
  if (!me) throw new Error('useMe outside of a session');
  return me;
}

/** May the person do this deed of the policy? Without a list from the server everything is tried and the server answers. */
export function useMay(deed: string): boolean {
  const me = useMe();
  return me.permissions.deeds.includes(deed);
}

/** read, write, own … or undefined for a page that does not exist for this person. */
export function pageRight(me: Me, page: string): string | undefined {
  return me.permissions.pages[page];
}
