import { useSyncExternalStore } from 'react';

/** A phone upright: one thing at a time. alerts/alerts.css asks the same; a desk at 400 % is as narrow, and its preview is stacked. */
export const ROAD = '(max-width: 560px) and (pointer: coarse)';

/** Whether a media query holds now, and again when it changes; where there is no screen it does not. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const list = matchMedia(query);
      list.addEventListener('change', changed);
      return () => list.removeEventListener('change', changed);
    },
    () => matchMedia(query).matches,
    () => false,
  );
}
