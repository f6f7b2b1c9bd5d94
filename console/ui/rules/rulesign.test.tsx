import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import '../locales/i18n';
import { FeedNote, RuleSign } from './RuleSign';

const drawn = (rule: Parameters<typeof RuleSign>[0]['rule']) =>
  renderToStaticMarkup(
    <>
      <RuleSign rule={rule} />
      <FeedNote rule={rule} />
    </>,
  );

test('a rule runs where its events arrive', () => {
  const html = drawn({ state: 'running', feed: 'arrives' });
  expect(html).toContain('pos-met');
  expect(html).toContain('Chạy');
  expect(html).not.toContain('banner');
});

test.each([
  ['not_made', 'pos-not_met', 'Không thể chạy', 'không bộ giải mã hay cảm biến nào'],
  ['not_seen', 'pos-unknown', 'Chưa có dữ liệu', 'không nguồn nào gửi'],
  ['unknown', 'pos-unknown', 'chưa rõ dữ liệu', 'Chưa rõ 30 ngày qua'],
] as const)('a rule whose log source is %s has no tick, and says why', (feed, mark, word, why) => {
  const html = drawn({ state: 'running', feed, ...(feed === 'unknown' ? { feed_cause: 'disk on fire' } : {}) });
  expect(html).not.toContain('pos-met');
  for (const s of [mark, word, why, ...(feed === 'unknown' ? ['disk on fire'] : [])]) expect(html).toContain(s);
});

test('a rule of which nothing is told has no tick, and a refused one is refused', () => {
  expect(drawn({ state: 'running' })).not.toContain('pos-met');
  expect(drawn({ state: 'refused' })).toContain('Bị từ chối');
});
