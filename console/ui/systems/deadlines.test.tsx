import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import '../locales/i18n';
import type { SystemItem } from '../api/client';
import { Deadlines } from './Deadlines';

const due = (article: string, mark: string) =>
  ({ transition: { days: 211, law: { document: 'Luật 116/2025/QH15', article, mark } } }) as unknown as SystemItem;

it('the days of a list stand with document, article and mark, each law once', () => {
  const none = {} as SystemItem;
  const html = renderToStaticMarkup(<Deadlines systems={[due('Đ45.1', 'V'), none, due('Đ45.1', 'V'), due('Đ45.2', 'M')]} />);
  expect(html.split('Luật 116/2025/QH15 Đ45.1').length - 1).toBe(1);
  expect(html).toMatch(/Đ45\.1 <button[^>]*>V</);
  expect(html).toMatch(/Đ45\.2 <button[^>]*>M ·/);
  expect(renderToStaticMarkup(<Deadlines systems={[none]} />)).toBe('');
});
