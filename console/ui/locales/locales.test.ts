import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pages } from '../frame/pages';
import en from './en.json';
import vi from './vi.json';

type Tree = { [k: string]: string | Tree };

function flat(t: Tree, at = ''): Map<string, string> {
  const out = new Map<string, string>();
  for (const [k, v] of Object.entries(t)) {
    if (typeof v === 'string') out.set(at + k, v);
    else for (const [k2, v2] of flat(v, `${at}${k}.`)) out.set(k2, v2);
  }
  return out;
}

const base = (k: string) => k.replace(/_(?:one|other)$/, '');
const ofPages = (lang: 'vi' | 'en') => pages.flatMap((p) => (p.texts ? [...flat(p.texts[lang] as Tree)] : []));
const viFlat = new Map([...flat(vi as Tree), ...ofPages('vi')]);
const enFlat = new Map([...flat(en as Tree), ...ofPages('en')]);
const viKeys = new Set([...viFlat.keys()].map(base));
const enKeys = new Set([...enFlat.keys()].map(base));

const root = join(__dirname, '..');
function sources(dir: string): string[] {
  return readdirSync(dir).flatMap((f) => {
    if (['node_modules', 'dist', 'dev', 'browser', 'screenshots'].includes(f)) return [];
    const p = join(dir, f);
    if (statSync(p).isDirectory()) return sources(p);
    return /\.tsx?$/.test(f) && !f.includes('.test.') ? [p] : [];
  });
}

describe('locales', () => {
  it('have the same keys', () => {
    expect([...viKeys].filter((k) => !enKeys.has(k))).toEqual([]);
    expect([...enKeys].filter((k) => !viKeys.has(k))).toEqual([]);
  });

  it('have the same values to fill in', () => {
    const holes = (s: string) => [...s.matchAll(/\{\{(\w+)\}\}/g)].map((m) => m[1]).sort();
    for (const [k, v] of viFlat) {
      const other = enFlat.get(k) ?? enFlat.get(`${base(k)}_other`);
      if (other && k !== 'overview.hoursLabel') expect([k, holes(other)]).toEqual([k, holes(v)]);
    }
  });

  it('hold every key the code names', () => {
    const missing: string[] = [];
    for (const f of sources(root)) {
      for (const m of readFileSync(f, 'utf8').matchAll(/\bt\(\s*'([\w.-]+)'/g)) {
        const k = m[1] as string;
        if (!viKeys.has(k)) missing.push(`${f.slice(root.length + 1)}: ${k}`);
      }
    }
    expect(missing).toEqual([]);
  });

  it('keep the voice: no pleading, no exclamation, the words of the law', () => {
    for (const [k, v] of viFlat) {
      expect([k, v]).not.toEqual([
        k,
        expect.stringMatching(/vui lòng|xin |rất tiếc|!|\bHủy\b|an toàn thông tin|leo thang|dương tính/i),
      ]);
      expect([k, v.normalize('NFC')]).toEqual([k, v]);
    }
  });

  it('leave no Vietnamese in the English', () => {
    const marks = /[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]/i;
    for (const [k, v] of enFlat) if (!/Hoa Lư/.test(v) && k !== 'frame.language') expect([k, marks.test(v)]).toEqual([k, false]);
  });
});
