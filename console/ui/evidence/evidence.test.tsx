import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import '../locales/i18n';
import { corpus as hostile } from './corpus';
import { Evidence } from './Evidence';
import { cut, defanged, escaped, hasControls, mixedScript, pieces, spoken } from './escape';
import { Said, Words } from './Said';

const boxes = (s: string) =>
  pieces(s)
    .filter((p) => p.kind === 'box')
    .map((p) => p.text);

describe('hostile corpus', () => {
  const corpus: [string, string, string[]][] = [
    ['script', '<script>alert(1)</script><img src=x onerror=alert(1)>', []],
    ['bidi override', 'abc\u202Egnp.exe', ['U+202E']],
    ['bidi isolates', '\u2066x\u2069\u200F\u061C', ['U+2066', 'U+2069', 'U+200F', 'U+061C']],
    ['zero width', 'ad\u200Bmin\uFEFF\u2060', ['U+200B', 'U+FEFF', 'U+2060']],
    ['ANSI', '\u001B[31mred\u0007', ['␛', 'U+0007']],
    ['C1', 'a\u009Bb', ['U+009B']],
    ['line breaks', 'a\nb\r\nc', ['↵', '␍', '↵']],
    ['tags', 'a\u{E0041}\u{E007F}', ['U+E0041', 'U+E007F']],
    ['lone surrogate', 'a\uD800b', ['U+D800']],
    ['line separator', 'a\u2028b\u2029', ['U+2028', 'U+2029']],
    ['soft hyphen and fillers', 'a\u00ADb\u3164c\u2800', ['U+00AD', 'U+3164', 'U+2800']],
    ['NUL', 'a\u0000b', ['U+0000']],
    ['Vietnamese', 'Đồng bộ thời gian máy chủ', []],
    ['Vietnamese, decomposed', 'Đồng bộ'.normalize('NFD'), []],
  ];
  it.each(corpus)('%s', (_n, text, want) => {
    expect(boxes(text)).toEqual(want);
    const html = renderToStaticMarkup(<Evidence value={text} />);
    expect(html).not.toMatch(/<script|<img|[\u202A-\u202E\u2066-\u2069\u200B-\u200F\u0000-\u0008\u001B\u0080-\u009F\uFEFF]/);
  });

  it('shows at most three marks on a base', () => {
    const zalgo = `a${'\u0301'.repeat(500)}`;
    expect(boxes(zalgo)).toHaveLength(497);
    expect(boxes(`\u0301a`)).toEqual(['U+0301']);
  });

  it('composes Vietnamese', () => {
    expect(pieces('ệ'.normalize('NFD'))).toEqual([{ kind: 'text', text: 'ệ' }]);
  });

  it('limits a row to 256 characters and the detail to 4 KB at a time', () => {
    const long = 'A'.repeat(1_000_000);
    expect(renderToStaticMarkup(<Evidence value={long} />).length).toBeLessThan(600);
    const detail = renderToStaticMarkup(<Evidence value={long} mode="detail" />);
    expect(detail.length).toBeLessThan(6000);
    expect(detail).toContain('995.904');
    expect(cut(`${'a'.repeat(9)}😀`, 10)).toEqual({ text: 'a'.repeat(9), rest: 2 });
  });

  it('isolates each element', () => {
    const html = renderToStaticMarkup(<Evidence value={'x\u202Ey'} />);
    expect(html.match(/dir="ltr"/g)).toHaveLength(2);
  });

  it('never puts the text into an attribute', () => {
    const html = renderToStaticMarkup(<Evidence value={'"><b title="x'} name mode="detail" />);
    expect(html).not.toMatch(/title="/);
    expect(html).toContain('&quot;&gt;&lt;b');
  });
});

describe('words of a rule and of people', () => {
  const strange = /[\u202A-\u202E\u2066-\u2069\u200B-\u200F\u0000-\u0008\u001B\u0080-\u009F\uFEFF]|\p{M}{4}/u;
  it.each(Object.entries(hostile))('%s', (_n, text) => {
    expect(renderToStaticMarkup(<Words text={text} />)).not.toMatch(strange);
    expect(renderToStaticMarkup(<Said text={{ vi: text, en: text }} />)).toMatch(/^<span class="ev /);
    expect(spoken(text)).not.toMatch(strange);
    expect(spoken(text)).not.toMatch(/[\n\r\t]/);
    expect(spoken(text).length).toBeLessThanOrEqual(121);
  });
  it('the product speaks in its own typeface, an author of rules does not', () => {
    expect(renderToStaticMarkup(<Said text={{ vi: 'Máy chủ web', en: 'Web server' }} />)).not.toContain('class="ev');
    expect(renderToStaticMarkup(<Said text={{ vi: 'Web shell', en: 'Web shell' }} />)).toContain('class="ev');
    expect(renderToStaticMarkup(<Said text={undefined} fallback="id-1" />)).toContain('class="ev');
  });
});

describe('copy', () => {
  it('spells out what does not show', () => {
    expect(escaped('a\u202Eb\n\u001B[0m')).toBe('a\\u{202E}b\\n\\e[0m');
    expect(hasControls('plain ế')).toBe(false);
    expect(hasControls('a\u001B')).toBe(true);
  });
  it('defangs', () => {
    expect(defanged('http://evil.example/a.sh')).toBe('hxxp://evil[.]example/a[.]sh');
    expect(defanged('198.51.100.23')).toBe('198[.]51[.]100[.]23');
  });
});

describe('names', () => {
  it('finds mixed scripts', () => {
    expect(mixedScript('p\u0430ypal.com')).toEqual(['U+0430']);
    expect(mixedScript('dvc-web-02')).toEqual([]);
    expect(mixedScript('máy-chủ')).toEqual([]);
  });
});
