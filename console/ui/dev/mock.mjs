// A stand-in for the appliance while the console is being drawn: serves dist/ under the real content security policy and answers the
// API from dev/sample.mjs. Never part of the product: nothing in the build imports it.

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { answer, state } from './sample.mjs';

const dist = new URL('../dist/', import.meta.url).pathname;
const types = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.html': 'text/html; charset=utf-8',
  '.json': 'application/json',
};
const streams = new Set();
state.notify = (n) => {
  for (const s of streams) s.write(`event: notice\ndata: ${JSON.stringify(n)}\n\n`);
};

createServer(async (req, res) => {
  const url = new URL(req.url, 'http://x');
  if (url.pathname === '/api/stream') {
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write(': hello\n\n');
    streams.add(res);
    req.on('close', () => streams.delete(res));
    return;
  }
  if (url.pathname.startsWith('/api/')) {
    let body = '';
    for await (const c of req) body += c;
    const r = answer(req.method, url, body ? JSON.parse(body) : undefined);
    res.writeHead(r.status ?? 200, { 'Content-Type': r.status >= 400 ? 'application/problem+json' : 'application/json' });
    res.end(JSON.stringify(r.body ?? {}));
    return;
  }
  const path = normalize(url.pathname).replace(/^\/+/, '');
  try {
    if (!path || !extname(path)) throw new Error('page');
    const data = await readFile(join(dist, path));
    res.writeHead(200, { 'Content-Type': types[extname(path)] ?? 'application/octet-stream' });
    res.end(data);
  } catch {
    const nonce = randomBytes(12).toString('base64url');
    const page = (await readFile(join(dist, 'index.html'), 'utf8')).replaceAll('__CSP_NONCE__', nonce);
    res.writeHead(200, {
      'Content-Type': 'text/html; charset=utf-8',
      'Content-Security-Policy': `default-src 'none'; script-src 'self' 'nonce-${nonce}'; style-src 'self' 'nonce-${nonce}'; font-src 'self'; img-src 'self' data:; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    });
    res.end(page);
  }
}).listen(Number(process.env.PORT ?? 4173), '127.0.0.1');
