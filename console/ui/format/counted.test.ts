import i18n from 'i18next';
import { afterAll, describe, expect, it } from 'vitest';
import '../locales/i18n';
import { atLeast, counted, unread } from './counted';

const file = 'ht-001/2026-11-30/0007: read: input/output error';

describe('a count', () => {
  afterAll(() => i18n.changeLanguage('vi'));
  it.each([
    ['all of them', {}, '1.204', '1,204'],
    ['all of them, said so', { capped: false, partial: [] }, '1.204', '1,204'],
    ['where counting stopped', { capped: true }, 'ít nhất 1.204', 'at least 1,204'],
    ['of what could be read', { partial: [file] }, 'ít nhất 1.204', 'at least 1,204'],
  ])('%s', async (_, how, vi, en) => {
    await i18n.changeLanguage('vi');
    expect(counted(1204, how, 'vi', i18n.t)).toBe(vi);
    await i18n.changeLanguage('en');
    expect(counted(1204, how, 'en', i18n.t)).toBe(en);
  });
  it('lacks what any page could not read, each file once', () => {
    expect(unread([{}, { partial: ['b: x', file] }, { partial: [file, 'b: y'] }])).toEqual(['b: y', file]);
    expect(atLeast({ partial: unread([{}, { partial: null }]) })).toBe(false);
  });
  it.each([
    ['vi', 1, 'chưa đủ: 1 tệp không đọc được'],
    ['en', 1, 'incomplete: 1 file could not be read'],
    ['en', 2, 'incomplete: 2 files could not be read'],
  ])('in %s names how many files are lacking: %d', async (lang, count, words) => {
    await i18n.changeLanguage(lang);
    expect(i18n.t('count.incomplete', { count })).toBe(words);
  });
});
