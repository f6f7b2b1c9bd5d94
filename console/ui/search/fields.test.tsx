import i18n from 'i18next';
import { renderToStaticMarkup } from 'react-dom/server';
import { afterAll, describe, expect, it } from 'vitest';
import type { FieldsAnswer } from '../api/client';
import '../locales/i18n';
import { Fields } from './Fields';

const whole: FieldsAnswer = {
  items: [{ name: 'host.name', fill: 0.5, count: 2, kind: 'string', top: [] }],
  sampled: 4,
  total: 1,
  capped: false,
  as_of: '2026-11-30T07:12:00.000Z',
  stale_after: '2026-11-30T07:13:00.000Z',
  next: '',
};
const drawn = (answer: FieldsAnswer) => renderToStaticMarkup(<Fields answer={answer} failed={false} onPick={() => undefined} />);

describe('the share of events that have a field', () => {
  afterAll(() => i18n.changeLanguage('vi'));
  it('is said as it is when all events were looked at', () => {
    expect(drawn(whole)).toContain('>50%<');
    expect(drawn(whole)).not.toContain('chưa đủ');
  });
  it('is about that when the sample is a part of them', () => {
    expect(drawn({ ...whole, capped: true })).toContain('>khoảng 50%<');
  });
  it('is about that when some could not be read, which is said', () => {
    const html = drawn({ ...whole, partial: ['l0/7: read: input/output error'] });
    expect(html).toContain('>khoảng 50%<');
    expect(html).toContain('chưa đủ: 1 tệp không đọc được');
  });
  it('is about that in English, too', async () => {
    await i18n.changeLanguage('en');
    const html = drawn({ ...whole, partial: ['a: read: input/output error', 'b: read: input/output error'] });
    expect(html).toContain('>about 50%<');
    expect(html).toContain('incomplete: 2 files could not be read');
  });
});
