import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import '../locales/i18n';
import { number, took } from '../format/number';
import { serverNow } from '../live/clock';
import { AgeCell } from './Time';

it('what has just come is just now, not 0 seconds ago', () => {
  const html = renderToStaticMarkup(<AgeCell at={new Date(serverNow()).toISOString()} />);
  expect(html).toContain('vừa xong');
  expect(html).not.toContain('0 giây');
  expect(renderToStaticMarkup(<AgeCell at={new Date(serverNow() - 65_000).toISOString()} />)).toContain('>1 phút<');
});

it('a search took a part of a second, never none', () => {
  for (const ms of [0, 1, 4, 9.9]) expect(took(ms, 'vi')).toBe('< 0,01');
  expect(took(40, 'vi')).toBe('0,04');
  expect(took(240, 'en')).toBe('0.24');
  expect(took(12_300, 'vi')).toBe(number(12.3, 'vi', 2));
});
