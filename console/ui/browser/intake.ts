/** Sends to the appliance under test as devices and shippers do. HOALU_SYSLOG and HOALU_BULK are its listeners. */
import { connect } from 'node:net';
import type { BrowserContext } from 'playwright-core';
import { url } from './desk';

const syslogAt = process.env.HOALU_SYSLOG ?? '127.0.0.1:5514';
const bulkAt = process.env.HOALU_BULK ?? 'http://127.0.0.1:9201';

/** Syslog over TCP with octet counting, so that a message may hold any byte. Done when the peer has read it all. */
export function syslog(messages: (string | Buffer)[]): Promise<void> {
  const [host, port] = syslogAt.split(':') as [string, string];
  return new Promise((done, fail) => {
    const s = connect(Number(port), host, () => {
      for (const m of messages) {
        const raw = typeof m === 'string' ? Buffer.from(m) : m;
        s.write(`${raw.length} `);
        s.write(raw);
      }
      s.end();
    });
    s.on('error', fail);
    s.on('close', () => done());
    s.resume();
  });
}

/** Documents by Elasticsearch's bulk API; each must be durable. */
export async function bulk(docs: unknown[]): Promise<void> {
  const body = docs.map((d) => `{"create":{}}\n${JSON.stringify(d)}\n`).join('');
  const r = await fetch(`${bulkAt}/logs-browser/_bulk`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-ndjson' },
    body,
  });
  const answer = (await r.json()) as { errors?: boolean };
  if (!r.ok || answer.errors !== false)
    throw new Error(`_bulk: ${r.status} ${JSON.stringify(answer).replace(/^(.{300}).*(.{300})$/su, '$1 … $2')}`);
}

/** Asks the API as the person at the desk until the answer is what is waited for. */
export async function until<T>(desk: BrowserContext, path: string, good: (answer: T) => boolean, seconds = 30): Promise<T> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const r = await desk.request.get(`${url}${path}`);
    const answer = (await r.json()) as T;
    if (r.ok() && good(answer)) return answer;
    if (Date.now() > end) throw new Error(`GET ${path} after ${seconds} s: ${r.status()} ${ends(JSON.stringify(answer))}`);
    await new Promise((f) => setTimeout(f, 100));
  }
}

/** The two ends of a long text: figures stand behind what was found. */
function ends(text: string): string {
  return text.length > 700 ? `${text.slice(0, 300)} … ${text.slice(-300)}` : text;
}
