/**
 * The stream of notices (topic, id, version; never content). One a browser: the tab that holds the lock reads it and tells the
 * others. A lost stream is said after five seconds; queries then poll.
 */
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { serverNow, setServerTime } from './clock';

export interface Notice {
  topic: string;
  id: string;
  version?: number;
}

export interface LiveState {
  state: 'connecting' | 'live' | 'lost' | 'paused';
  since: number;
}

let state: LiveState = { state: 'connecting', since: Date.now() };
const stateListeners = new Set<() => void>();
const noticeListeners = new Set<(n: Notice) => void>();
const endListeners = new Set<() => void>();
let silence: ReturnType<typeof setTimeout> | undefined;

/** Calls back when the server ends the stream: rights have changed or the session is over. */
export function onStreamEnd(f: () => void): () => void {
  endListeners.add(f);
  return () => endListeners.delete(f);
}
let source: EventSource | undefined;
let lossTimer: ReturnType<typeof setTimeout> | undefined;
let paused = false;
let started = false;
let channel: BroadcastChannel | undefined;

function set(next: LiveState['state']): void {
  if (state.state === next) return;
  state = { state: next, since: serverNow() };
  for (const l of stateListeners) l();
}

function deliver(n: Notice): void {
  if (paused) return;
  for (const l of noticeListeners) l(n);
}

function parse(data: string): Notice[] {
  try {
    const v: unknown = JSON.parse(data);
    return (Array.isArray(v) ? v : [v]).filter((n): n is Notice => typeof n === 'object' && n !== null && 'topic' in n);
  } catch {
    return [];
  }
}

function lost(): void {
  lossTimer ??= setTimeout(() => {
    if (!paused) set('lost');
    channel?.postMessage({ live: 'lost' });
  }, 5000);
}

function found(): void {
  // the server beats every 15 s; a line that is open and silent is lost
  clearTimeout(silence);
  silence = setTimeout(lost, 35_000);
  clearTimeout(lossTimer);
  lossTimer = undefined;
  if (!paused) set('live');
  channel?.postMessage({ live: 'live' });
}

function open(): void {
  source?.close();
  source = new EventSource('/api/stream');
  source.onopen = found;
  const take = (e: MessageEvent<string>) => {
    found();
    for (const n of parse(e.data)) {
      deliver(n);
      channel?.postMessage({ notice: n });
    }
  };
  source.onmessage = take;
  source.addEventListener('notice', take as EventListener);
  for (const name of ['hello', 'beat'])
    source.addEventListener(name, (e) => {
      found();
      try {
        const now = Date.parse((JSON.parse((e as MessageEvent<string>).data) as { now: string }).now);
        if (Number.isFinite(now)) setServerTime(now, 500);
      } catch {
        // a beat without a time is a beat
      }
    });
  source.addEventListener('end', () => {
    for (const l of endListeners) l();
  });
  source.onerror = () => {
    lost();
    // a refused stream (not a broken one) stays closed: try again later
    if (source?.readyState === EventSource.CLOSED) setTimeout(() => started && open(), 10_000);
  };
}

/** Starts the stream; called once the person is known. */
export function start(): () => void {
  if (started) return () => undefined;
  started = true;
  channel = new BroadcastChannel('hoalu.notices');
  channel.onmessage = (e: MessageEvent<{ notice?: Notice; live?: 'live' | 'lost'; ask?: boolean }>) => {
    if (e.data.notice) {
      if (!paused) set('live');
      deliver(e.data.notice);
    }
    if (e.data.live && !source && !paused) set(e.data.live);
    if (e.data.ask && source) channel?.postMessage({ live: state.state === 'lost' ? 'lost' : 'live' });
  };
  let release = () => {};
  const hold = new Promise<void>((done) => {
    release = done;
  });
  const abort = new AbortController();
  if (navigator.locks) {
    navigator.locks
      .request('hoalu.stream', { signal: abort.signal }, () => {
        if (!started) return undefined;
        open();
        return hold;
      })
      .catch(() => undefined);
    channel.postMessage({ ask: true });
  } else open();
  return () => {
    started = false;
    abort.abort();
    release();
    source?.close();
    source = undefined;
    channel?.close();
    channel = undefined;
    clearTimeout(lossTimer);
    clearTimeout(silence);
    lossTimer = undefined;
  };
}

export function pause(on: boolean): void {
  paused = on;
  set(on ? 'paused' : source?.readyState === EventSource.OPEN ? 'live' : 'connecting');
}

const subscribe = (l: () => void) => {
  stateListeners.add(l);
  return () => stateListeners.delete(l);
};

export function useLive(): LiveState {
  return useSyncExternalStore(subscribe, () => state);
}

/** Calls f for each notice of these topics while the component lives. */
export function useNotices(topics: readonly string[], f: (n: Notice) => void): void {
  const latest = useRef(f);
  latest.current = f;
  const key = topics.join();
  useEffect(() => {
    const wanted = new Set(key.split(','));
    const l = (n: Notice) => {
      if (wanted.has(n.topic)) latest.current(n);
    };
    noticeListeners.add(l);
    return () => {
      noticeListeners.delete(l);
    };
  }, [key]);
}

/** How often to ask while the stream is away. */
export function usePolling(ms = 15_000): number | false {
  const { state } = useLive();
  return state === 'lost' ? ms : false;
}
