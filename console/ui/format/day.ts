import type { Lang } from './lang';

const two = (n: number) => String(n).padStart(2, '0');

/** A day as people write it: 21/11/2026 or 2026-11-21. */
export function shownDay(day: string, lang: Lang): string {
  return lang === 'vi' ? day.split('-').reverse().join('/') : day;
}

/** Reads 21/11/2026, 21-11-2026, 21/11 (of the given year) or 2026-11-21 into yyyy-mm-dd; undefined when it is no day. */
export function readDay(text: string, year: number): string | undefined {
  const s = text.trim();
  let m = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(s);
  let y: number;
  let mo: number;
  let d: number;
  if (m) [y, mo, d] = [Number(m[1]), Number(m[2]), Number(m[3])];
  else {
    m = /^(\d{1,2})[/.-](\d{1,2})(?:[/.-](\d{4}))?$/.exec(s);
    if (!m) return undefined;
    [d, mo, y] = [Number(m[1]), Number(m[2]), m[3] ? Number(m[3]) : year];
  }
  const t = new Date(Date.UTC(y, mo - 1, d));
  if (t.getUTCFullYear() !== y || t.getUTCMonth() !== mo - 1 || t.getUTCDate() !== d) return undefined;
  return `${y}-${two(mo)}-${two(d)}`;
}

/** Reads "21/11/2026 22:46" into yyyy-mm-ddThh:mm. */
export function readTime(text: string, year: number): string | undefined {
  const m = /^(\S+)(?:\s+(\d{1,2})[:h](\d{2}))?$/.exec(text.trim());
  const day = m ? readDay(m[1] as string, year) : undefined;
  if (!day) return undefined;
  const h = Number(m?.[2] ?? 0);
  const mi = Number(m?.[3] ?? 0);
  return h > 23 || mi > 59 ? undefined : `${day}T${two(h)}:${two(mi)}`;
}
