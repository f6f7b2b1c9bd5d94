import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import '../locales/i18n';
import { TotpKey } from './TotpKey';

it('the key of the second factor stands in groups of four, with a button that copies it', () => {
  const html = renderToStaticMarkup(<TotpKey secret="I2SCIV2Y3MKZKXCWG2ETRYH25BUAGGK5" />);
  expect(html).toContain('>I2SC IV2Y 3MKZ KXCW G2ET RYH2 5BUA GGK5<');
  expect(html).toMatch(/<button[^>]*>(?:<span>)?Sao chép/);
});
