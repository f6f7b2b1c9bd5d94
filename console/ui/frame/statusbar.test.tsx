import { renderToStaticMarkup } from 'react-dom/server';
import { MemoryRouter } from 'react-router';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SourceCounts, Status } from '../api/client';
import { me, now } from '../design/truth.answers';
import { PersonProvider } from '../session/session';
import { StatusBar } from './StatusBar';

beforeAll(async () => {
  await import('../locales/i18n');
});

const counts = (n: Partial<SourceCounts>): SourceCounts => ({
  total: 0,
  receiving: 0,
  thin: 0,
  silent: 0,
  skewed: 0,
  garbled: 0,
  never: 0,
  ...n,
});
const bar = (sources: Status['sources'], clock: object = { state: 'unknown', now: '' }) => {
  const status = { clock, parts: [], as_of: '', stale_after: '', sources } as unknown as Status;
  return renderToStaticMarkup(
    <MemoryRouter>
      <PersonProvider value={me}>
        <StatusBar status={status} failed={false} at={now} />
      </PersonProvider>
    </MemoryRouter>,
  );
};

describe('the bar, of sources', () => {
  it('where there is none it says so, in violet, in place of 0 of 0', () => {
    const html = bar({ ...counts({}), state: 'good', samples: counts({}) });
    expect(html).toMatch(
      /status-unk"[^>]*href="\/sources"|href="\/sources"[^>]*status-unk|class="status-part status-unk" href="\/sources"/,
    );
    expect(html).toContain('Chưa có nguồn thật');
    expect(html).not.toContain('0/0');
  });
  it('where there are only samples it says how many', () => {
    expect(bar({ ...counts({}), state: 'good', samples: counts({ total: 46, receiving: 46 }) })).toContain(
      'Chưa có nguồn thật (+ 46 mẫu)',
    );
  });
  it('where there are some it counts them', () => {
    expect(bar({ ...counts({ total: 3, receiving: 2, never: 1 }), state: 'good', samples: counts({}) })).toContain(
      '2/3 nguồn đang gửi tin',
    );
  });
});

describe('the bar, of the clock', () => {
  it.each([
    [-7_200_000, 'Lệch giờ −2 giờ'],
    [40, 'Lệch giờ 40 ms'],
    [1_500, 'Lệch giờ 1 giây'],
  ])('%s ms off is said as a person would', (offset_ms, want) => {
    expect(bar(undefined, { state: 'off', now: '', offset_ms })).toContain(want);
  });
});
