import createClient from 'openapi-fetch';
import { setServerTime } from '../live/clock';
import i18n from '../locales/i18n';
import type { Problem, paths } from './schema';

export type * from './schema';

/** An answer of the API that says what is wrong (RFC 9457), or that there was none (status 0). */
export class ProblemError extends Error {
  constructor(
    readonly status: number,
    readonly problem: Partial<Problem>,
  ) {
    super(problem.detail ?? problem.title ?? String(status));
  }

  get code(): string {
    return this.problem.code ?? (this.status === 0 ? 'unreachable' : `http_${this.status}`);
  }
}

export const client = createClient<paths>({ baseUrl: '', querySerializer: { array: { style: 'form', explode: false } } });

const ended = new Set<() => void>();

/** Calls back when an answer says that there is no session any more. */
export function onSessionEnd(f: () => void): () => void {
  ended.add(f);
  return () => ended.delete(f);
}

client.use({
  onRequest({ request }) {
    request.headers.set('Accept-Language', i18n.language);
    return request;
  },
  onResponse({ request, response }) {
    const now = Date.parse(response.headers.get('Date') ?? '');
    if (Number.isFinite(now)) setServerTime(now, 1000);
    if (response.status === 401 && !/\/api\/(login|first|me$|site)/.test(request.url)) for (const f of ended) f();
  },
});

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The body of an answer, or a ProblemError. */
export async function take<T>(call: Promise<Answer<T>>): Promise<T> {
  let a: Answer<T>;
  try {
    a = await call;
  } catch (e) {
    if (e instanceof DOMException && e.name === 'AbortError') throw e;
    throw new ProblemError(0, {});
  }
  if (a.response.ok && a.data !== undefined) return a.data;
  throw new ProblemError(a.response.status, typeof a.error === 'object' && a.error ? (a.error as Partial<Problem>) : {});
}
