import { useEffect, useState, useSyncExternalStore } from 'react';

/** The server's clock: ages and deadlines follow it, not the clock of this desk. */
let offset = 0;
let precise = false;

/** Learns the server's time; coarse figures (whole seconds of a header) do not replace precise ones. */
export function setServerTime(now: number, within: number): void {
  if (within < 1000) {
    precise = true;
    offset = now - Date.now();
  } else if (!precise || Math.abs(now - Date.now() - offset) > 2000) {
    offset = now - Date.now();
  }
}

export function serverNow(): number {
  return Date.now() + offset;
}

const listeners = new Set<() => void>();
let tick = 0;
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(l: () => void): () => void {
  listeners.add(l);
  timer ??= setInterval(() => {
    if (document.visibilityState === 'hidden') return;
    tick = serverNow();
    for (const f of listeners) f();
  }, 1000);
  return () => {
    listeners.delete(l);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

const second = () => {
  if (!tick) tick = serverNow();
  return tick;
};

/** The server's time, once a second while the page is seen. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, second, second);
}

/** A value that follows another once it has rested. */
export function useRested<T>(value: T, ms: number): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const t = setTimeout(() => setRested(value), ms);
    return () => clearTimeout(t);
  }, [value, ms]);
  return rested;
}
