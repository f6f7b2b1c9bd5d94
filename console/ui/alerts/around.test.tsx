import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { renderToStaticMarkup } from 'react-dom/server';
import { MemoryRouter } from 'react-router';
import { expect, it } from 'vitest';
import type { AlertDetail, EventsAnswer } from '../api/client';
import { me } from '../design/truth.answers';
import '../locales/i18n';
import { PersonProvider } from '../session/session';
import { Around, aroundQuery, aroundSpan } from './Around';

const alert = {
  id: 'a1',
  host: 'db-01',
  severity: 'high',
  first: '2026-11-30T07:00:00Z',
  last: '2026-11-30T07:05:00Z',
} as AlertDetail;

function drawn(partial: string[]): string {
  const queries = new QueryClient();
  const answer = { total: 1204, capped: false, partial, events: [] } as unknown as EventsAnswer;
  queries.setQueryData(['around', alert.id, aroundQuery(alert), aroundSpan(alert)[0]], answer);
  return renderToStaticMarkup(
    <QueryClientProvider client={queries}>
      <MemoryRouter>
        <PersonProvider value={me}>
          <Around alert={alert} />
        </PersonProvider>
      </MemoryRouter>
    </QueryClientProvider>,
  );
}

it('the events around an alert are at least so many where a file could not be read, which is named', () => {
  const html = drawn(['ht-001/2026-11-30/7: read: input/output error']);
  expect(html).toContain('ít nhất 1.204 sự kiện, mở dòng thời gian');
  expect(html).toContain('aria-label="ít nhất 1.204 sự kiện');
  expect(html).toContain('chưa đủ: 1 tệp không đọc được');
  expect(drawn([])).toContain('>1.204 sự kiện, mở dòng thời gian');
});
