/**
 * Times for people. The zone is always Asia/Ho_Chi_Minh: UTC+7 without summer time since 1975, so the fields are those of UTC seven
 * hours later; the browser's own zone is never asked.
 */
import type { Lang } from './lang';
import { number } from './number';

export type When = string | number | null | undefined;

const SHIFT = 7 * 3600_000;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Unix milliseconds of an RFC 3339 text or number; undefined for nothing, zero and the year 1 of an unset time. */
export function ms(t: When): number | undefined {
  if (t === null || t === undefined || t === '' || t === 0) return undefined;
  const v = typeof t === 'number' ? t : Date.parse(t);
  return Number.isFinite(v) && v > 0 ? v : undefined;
}

const two = (n: number) => String(n).padStart(2, '0');

interface Parts {
  y: number;
  mo: string;
  d: string;
  h: string;
  mi: string;
  s: string;
  ms: string;
}

function parts(v: number): Parts {
  const t = new Date(v + SHIFT);
  return {
    y: t.getUTCFullYear(),
    mo: two(t.getUTCMonth() + 1),
    d: two(t.getUTCDate()),
    h: two(t.getUTCHours()),
    mi: two(t.getUTCMinutes()),
    s: two(t.getUTCSeconds()),
    ms: String(t.getUTCMilliseconds()).padStart(3, '0'),
  };
}

/** 22:46:09 */
export function clock(t: When): string {
  const v = ms(t);
  if (v === undefined) return '–';
  const p = parts(v);
  return `${p.h}:${p.mi}:${p.s}`;
}

/** 22:46 */
export function minute(t: When): string {
  const v = ms(t);
  if (v === undefined) return '–';
  const p = parts(v);
  return `${p.h}:${p.mi}`;
}

/** 21/11/2026 or 2026-11-21 */
export function date(t: When, lang: Lang): string {
  const v = ms(t);
  if (v === undefined) return '–';
  const p = parts(v);
  return lang === 'vi' ? `${p.d}/${p.mo}/${p.y}` : `${p.y}-${p.mo}-${p.d}`;
}

/** 21/11 22:46:09 or 11-21 22:46:09 */
export function listed(t: When, lang: Lang): string {
  const v = ms(t);
  if (v === undefined) return '–';
  const p = parts(v);
  return `${lang === 'vi' ? `${p.d}/${p.mo}` : `${p.mo}-${p.d}`} ${p.h}:${p.mi}:${p.s}`;
}

/** 21/11/2026 22:46:09 +07 or 2026-11-21 22:46:09 +07 */
export function full(t: When, lang: Lang): string {
  const v = ms(t);
  return v === undefined ? '–' : `${date(v, lang)} ${clock(v)} +07`;
}

/** 22 giờ 46 phút, ngày 21 tháng 11 năm 2026 */
export function paper(t: When, lang: Lang): string {
  const v = ms(t);
  if (v === undefined) return '–';
  const p = parts(v);
  if (lang === 'vi') return `${Number(p.h)} giờ ${p.mi} phút, ngày ${Number(p.d)} tháng ${Number(p.mo)} năm ${p.y}`;
  const month = [
    'January',
    'February',
    'March',
    'April',
    'May',
    'June',
    'July',
    'August',
    'September',
    'October',
    'November',
    'December',
  ][Number(p.mo) - 1];
  return `${Number(p.d)} ${month} ${p.y}, ${p.h}:${p.mi} (UTC+7)`;
}

/** 2026-11-21T15:46:09.123Z, for the tooltip that gives UTC. */
export function utc(t: When): string {
  const v = ms(t);
  return v === undefined ? '–' : `${new Date(v).toISOString().replace('T', ' ').slice(0, 19)} UTC`;
}

/** The day number in Vietnamese time, to tell today from yesterday. */
const dayOf = (v: number) => Math.floor((v + SHIFT) / DAY);

/** vừa xong · 12 giây trước · 17 phút trước · 3 giờ trước · hôm qua 21:40 · 21/11 22:46:09 */
export function age(t: When, now: number, lang: Lang): string {
  const v = ms(t);
  if (v === undefined) return '–';
  const d = now - v;
  const vi = lang === 'vi';
  if (d < 10 * SECOND) {
    if (d < -MINUTE) return listed(v, lang);
    return vi ? 'vừa xong' : 'just now';
  }
  if (d < MINUTE) return vi ? `${Math.floor(d / SECOND)} giây trước` : `${Math.floor(d / SECOND)} s ago`;
  if (d < HOUR) return vi ? `${Math.floor(d / MINUTE)} phút trước` : `${Math.floor(d / MINUTE)} min ago`;
  if (dayOf(now) === dayOf(v) || d < 6 * HOUR) return vi ? `${Math.floor(d / HOUR)} giờ trước` : `${Math.floor(d / HOUR)} h ago`;
  if (dayOf(now) - dayOf(v) === 1) return vi ? `hôm qua ${minute(v)}` : `yesterday ${minute(v)}`;
  return listed(v, lang);
}

/** 12 giây · 17 phút · 3 giờ · 2 ngày: a length, for cells that stand beside an exact time. */
export function span(d: number | null | undefined, lang: Lang): string {
  if (d === null || d === undefined || !Number.isFinite(d)) return '–';
  const vi = lang === 'vi';
  const a = Math.max(0, d);
  if (a < MINUTE) return `${Math.floor(a / SECOND)} ${vi ? 'giây' : 's'}`;
  if (a < HOUR) return `${Math.floor(a / MINUTE)} ${vi ? 'phút' : 'min'}`;
  if (a < 2 * DAY) return `${Math.floor(a / HOUR)} ${vi ? 'giờ' : 'h'}`;
  return `${Math.floor(a / DAY)} ${vi ? 'ngày' : 'd'}`;
}

/** 90 phút · 2 giờ: a length in the largest unit that holds it without rest, for the window of a rule. */
export function wholeSpan(d: number, lang: Lang): string {
  const vi = lang === 'vi';
  for (const [unit, viName, enName] of [
    [DAY, 'ngày', 'd'],
    [HOUR, 'giờ', 'h'],
    [MINUTE, 'phút', 'min'],
    [SECOND, 'giây', 's'],
  ] as const)
    if (d >= unit && d % unit === 0) return `${d / unit} ${vi ? viName : enName}`;
  return `${d} ms`;
}

/** khoảng 41 ngày · khoảng 9 giờ · chưa đến 1 giờ · trên 5 năm: a forecast; what was measured in hours cannot tell years apart. */
export function forecast(days: number, lang: Lang): string {
  const vi = lang === 'vi';
  if (days > 5 * 365) return vi ? 'trên 5 năm' : 'over 5 years';
  if (days < 1) {
    const hours = Math.floor(days * 24);
    if (hours < 1) return vi ? 'chưa đến 1 giờ' : 'less than an hour';
    return vi ? `khoảng ${hours} giờ` : `about ${hours} h`;
  }
  const n = Math.floor(days);
  return vi ? `khoảng ${number(n, lang)} ngày` : `about ${number(n, lang)} ${n === 1 ? 'day' : 'days'}`;
}

/** còn 03:12 · còn 2 ngày 5 giờ · quá hạn 40 phút */
export function deadline(t: When, now: number, lang: Lang): string {
  const v = ms(t);
  if (v === undefined) return '–';
  const d = v - now;
  const vi = lang === 'vi';
  if (d < 0) return `${vi ? 'quá hạn' : 'overdue'} ${span(-d, lang)}`;
  if (d < DAY) {
    const hm = `${two(Math.floor(d / HOUR))}:${two(Math.floor((d % HOUR) / MINUTE))}`;
    return vi ? `còn ${hm}` : `${hm} left`;
  }
  const days = Math.floor(d / DAY);
  const hours = Math.floor((d % DAY) / HOUR);
  return vi ? `còn ${days} ngày ${hours} giờ` : `${days} d ${hours} h left`;
}

export type ShiftName = 'day' | 'night';

/** Day shift 07:00–19:00, night shift 19:00–07:00, in Vietnamese time; ends in Unix ms. */
export function shift(now: number): { name: ShiftName; from: number; to: number } {
  const midnight = dayOf(now) * DAY - SHIFT;
  const h = (now - midnight) / HOUR;
  if (h < 7) return { name: 'night', from: midnight - 5 * HOUR, to: midnight + 7 * HOUR };
  if (h < 19) return { name: 'day', from: midnight + 7 * HOUR, to: midnight + 19 * HOUR };
  return { name: 'night', from: midnight + 19 * HOUR, to: midnight + 31 * HOUR };
}

/** Monday 00:00 of the week in Vietnamese time. */
export function weekStart(now: number): number {
  const day = dayOf(now);
  const weekday = (day + 3) % 7; // 1970-01-01 was a Thursday
  return (day - weekday) * DAY - SHIFT;
}

/** Tuần 47 (16–22/11/2026) */
export function week(now: number, lang: Lang): string {
  const from = weekStart(now);
  const thursday = new Date(from + 3 * DAY + SHIFT);
  const year = thursday.getUTCFullYear();
  const n = Math.floor((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY / 7) + 1;
  const a = parts(from);
  const b = parts(from + 6 * DAY);
  if (lang === 'vi') {
    const first = a.mo === b.mo ? a.d : `${a.d}/${a.mo}`;
    return `Tuần ${n} (${first}–${b.d}/${b.mo}/${b.y})`;
  }
  return `Week ${n} (${a.y}-${a.mo}-${a.d} to ${b.mo}-${b.d})`;
}

/** The Unix ms of midnight in Vietnamese time of a yyyy-mm-dd text. */
export function fromDay(day: string): number | undefined {
  const m = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day);
  if (!m) return undefined;
  return Date.UTC(Number(m[1]), Number(m[2]) - 1, Number(m[3])) - SHIFT;
}

/** yyyy-mm-dd in Vietnamese time. */
export function toDay(v: number): string {
  const p = parts(v);
  return `${p.y}-${p.mo}-${p.d}`;
}

/** Value of a datetime-local field (Vietnamese time), and back. */
export function toLocalField(v: number): string {
  const p = parts(v);
  return `${p.y}-${p.mo}-${p.d}T${p.h}:${p.mi}`;
}

export function fromLocalField(s: string): number | undefined {
  const m = /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2})/.exec(s);
  const day = m ? fromDay(m[1] as string) : undefined;
  return m && day !== undefined ? day + Number(m[2]) * HOUR + Number(m[3]) * MINUTE : undefined;
}
