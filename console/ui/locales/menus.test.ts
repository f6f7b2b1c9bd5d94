/** A text that sends a person to a page, a part of it or a button names one that exists. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import en from './en.json';
import vi from './vi.json';

type Tree = { [k: string]: string | Tree };
const leaves = (t: Tree): string[] => Object.values(t).flatMap((v) => (typeof v === 'string' ? [v] : leaves(v)));
const tabsOf = (t: Tree): string[] =>
  Object.entries(t).flatMap(([k, v]) => (typeof v === 'string' ? [] : k === 'tab' ? leaves(v) : tabsOf(v)));

interface Names {
  /** pages, their tabs and the sections of administration */
  places: string[];
  sections: string[];
  admin: string;
  /** whatever can stand on a button */
  buttons: string[];
}

const names = (t: Tree): Names => {
  const page = t.page as Record<string, string>;
  const sections = leaves((t.admin as Tree).section as Tree);
  return {
    places: [...Object.values(page), ...Object.values(page).flatMap((p) => p.split(', ')), ...tabsOf(t), ...sections],
    sections,
    admin: page.admin as string,
    buttons: leaves(t)
      .map((s) => s.replace(/…$/, ''))
      .filter((s) => s.length < 40),
  };
};

/** What a text names that does not exist. */
function unknown(text: string, lang: 'vi' | 'en', n: Names): string[] {
  const out: string[] = [];
  const check = (pattern: RegExp, known: string[]) => {
    for (const m of text.matchAll(pattern)) {
      const rest = text.slice((m.index ?? 0) + m[0].length);
      if (!known.some((k) => rest.startsWith(k) && !/^[\p{L}]/u.test(rest.slice(k.length))))
        out.push(`${m[0]}${rest.slice(0, 40)}`);
    }
  };
  if (lang === 'vi') {
    check(/(?:trang|thẻ) (?=\p{Lu})/gu, n.places);
    check(/Quản trị, (?=\p{Lu})/gu, n.sections);
    check(/(?:[Bb]ấm|[Cc]họn nút) (?=\p{Lu})/gu, n.buttons);
    if (/XLSX|vụ việc này|Mở vụ việc|mở vụ việc/u.test(text)) out.push(text);
  } else {
    check(/\b(?:the page|Open|open|the tab) (?=[A-Z][a-z]+(?:[ ,.:;]|$))/g, n.places);
    check(/Administration, (?=[A-Z])/g, n.sections);
    check(/\b[Pp]ress (?=[A-Z][a-z])/g, n.buttons);
    if (/XLSX|open a case/i.test(text)) out.push(text);
  }
  return out;
}

const root = new URL('../../../', import.meta.url).pathname;
const server = (lang: string) =>
  Object.values(JSON.parse(readFileSync(`${root}console/locales_${lang}.json`, 'utf8')) as Record<string, string>);
const files = (dir: string, ends: RegExp): string[] =>
  readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((f) => ends.test(f))
    .map((f) => join(dir, f));

describe.each([
  ['vi', vi as Tree],
  ['en', en as Tree],
] as const)('%s', (lang, tree) => {
  const n = names(tree);
  it('finds a wrong name', () => {
    const wrong = {
      vi: ['Xem Quản trị, Lưu giữ.', 'Mở trang Báo cáo', 'bấm Nhập từ Excel', 'nhập từ XLSX'],
      en: ['Open Administration, Retention.', 'Open Reports.', 'press Import'],
    }[lang];
    expect(wrong.filter((t) => unknown(t, lang, n).length === 0)).toEqual([]);
    const right = {
      vi: ['Mở Quản trị, Sức khỏe: xem', 'trang Tìm kiếm', 'bấm Thêm nguồn'],
      en: ['Open Administration, Health: see', 'Open Rules.', 'press Add source'],
    }[lang];
    expect(right.flatMap((t) => unknown(t, lang, n))).toEqual([]);
  });
  it('in the console', () => expect(leaves(tree).flatMap((t) => unknown(t, lang, n))).toEqual([]));
  it('in the texts of the server', () => {
    const texts = server(lang);
    expect(texts.length).toBeGreaterThan(400);
    expect(texts.flatMap((t) => unknown(t, lang, n))).toEqual([]);
  });
  it('in rules and requirements', () => {
    const all = [...files(`${root}detections/rules`, /\.yml$/), ...files(`${root}compliance/policies`, /\.yaml$/)];
    expect(all.length).toBeGreaterThan(40);
    // the Vietnamese patterns find nothing in English lines and the other way round
    expect(
      all.flatMap((f) =>
        readFileSync(f, 'utf8')
          .split('\n')
          .flatMap((l) => unknown(l, lang, n).map((w) => `${f.slice(root.length)}: ${w}`)),
      ),
    ).toEqual([]);
  });
});
