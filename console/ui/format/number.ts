import type { Lang } from './lang';

const grouped = new Map<string, Intl.NumberFormat>();

function nf(lang: Lang, min: number, max: number): Intl.NumberFormat {
  const key = `${lang}${min}${max}`;
  let f = grouped.get(key);
  if (!f) {
    f = new Intl.NumberFormat(lang === 'vi' ? 'vi-VN' : 'en-GB', {
      minimumFractionDigits: min,
      maximumFractionDigits: max,
      useGrouping: 'always',
    } as Intl.NumberFormatOptions);
    grouped.set(key, f);
  }
  return f;
}

/** 1.234.567,8 or 1,234,567.8; a dash for what is not known, never a zero. */
export function number(v: number | null | undefined, lang: Lang, digits = 1): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return '–';
  // the minus of typography: a hyphen before a figure is read over
  return nf(lang, 0, digits).format(v).replace('-', '\u2212');
}

/** 12,3 nghìn · 1,2 triệu or 12.3 k · 1.2 M; the library's own short forms are not Vietnamese. */
export function short(v: number | null | undefined, lang: Lang): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return '–';
  const steps: [number, string, string][] = [
    [1e9, 'tỷ', 'G'],
    [1e6, 'triệu', 'M'],
    [1e4, 'nghìn', 'k'],
  ];
  for (const [from, vi, en] of steps) {
    if (Math.abs(v) >= from) {
      const unit = from === 1e4 ? 1e3 : from;
      return `${number(v / unit, lang)} ${lang === 'vi' ? vi : en}`;
    }
  }
  return number(v, lang);
}

/** A share 0..1 as 34,9%. */
export function share(v: number | null | undefined, lang: Lang, digits = 1): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return '–';
  return `${number(v * 100, lang, digits)}%`;
}

/** Bytes as 12,5 GB, by powers of 1000. */
export function bytes(v: number | null | undefined, lang: Lang): string {
  if (v === null || v === undefined || !Number.isFinite(v)) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let i = 0;
  let n = v;
  while (Math.abs(n) >= 1000 && i < units.length - 1) {
    n /= 1000;
    i++;
  }
  return `${number(n, lang)} ${units[i]}`;
}

/** How long a search took, in seconds: what is too short to be told is less than a hundredth, never none. */
export function took(ms: number, lang: Lang): string {
  return ms < 10 ? `< ${number(0.01, lang, 2)}` : number(ms / 1000, lang, 2);
}
