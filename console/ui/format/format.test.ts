import { describe, expect, it } from 'vitest';
import { readDay, readTime, shownDay } from './day';
import { bytes, number, share, short } from './number';
import * as time from './time';

const T = Date.parse('2026-11-21T15:46:09Z'); // 22:46:09 in Việt Nam

describe('numbers', () => {
  it.each([
    [1234567.8, '1.234.567,8', '1,234,567.8'],
    [0, '0', '0'],
    [1842, '1.842', '1,842'],
    [-12, '\u221212', '\u221212'],
    [undefined, '–', '–'],
    [Number.NaN, '–', '–'],
  ])('number(%s)', (v, vi, en) => {
    expect(number(v, 'vi')).toBe(vi);
    expect(number(v, 'en')).toBe(en);
  });
  it.each([
    [12300, '12,3 nghìn', '12.3 k'],
    [1_200_000, '1,2 triệu', '1.2 M'],
    [3_000_000_000, '3 tỷ', '3 G'],
    [1842, '1.842', '1,842'],
  ])('short(%s)', (v, vi, en) => {
    expect(short(v, 'vi')).toBe(vi);
    expect(short(v, 'en')).toBe(en);
  });
  it('share and size', () => {
    expect(share(0.349, 'vi')).toBe('34,9%');
    expect(share(0.349, 'en')).toBe('34.9%');
    expect(bytes(12_500_000_000, 'vi')).toBe('12,5 GB');
    expect(bytes(12_500_000_000, 'en')).toBe('12.5 GB');
    expect(bytes(512, 'vi')).toBe('512 B');
  });
});

describe('times', () => {
  it('are Vietnamese, whatever the zone of the machine', () => {
    expect(time.listed(T, 'vi')).toBe('21/11 22:46:09');
    expect(time.listed(T, 'en')).toBe('11-21 22:46:09');
    expect(time.full('2026-11-21T15:46:09Z', 'vi')).toBe('21/11/2026 22:46:09 +07');
    expect(time.full(T, 'en')).toBe('2026-11-21 22:46:09 +07');
    expect(time.paper(T, 'vi')).toBe('22 giờ 46 phút, ngày 21 tháng 11 năm 2026');
    expect(time.paper(T, 'en')).toBe('21 November 2026, 22:46 (UTC+7)');
    expect(time.utc(T)).toBe('2026-11-21 15:46:09 UTC');
    expect(time.full(Date.parse('2026-12-31T17:00:00Z'), 'vi')).toBe('01/01/2027 00:00:00 +07');
  });
  it.each([
    [5, 'vừa xong', 'just now'],
    [12, '12 giây trước', '12 s ago'],
    [17 * 60, '17 phút trước', '17 min ago'],
    [3 * 3600, '3 giờ trước', '3 h ago'],
    [25 * 3600 + 6 * 60, 'hôm qua 21:40', 'yesterday 21:40'],
    [72 * 3600, '18/11 22:46:09', '11-18 22:46:09'],
  ])('age of %s s', (s, vi, en) => {
    expect(time.age(T - s * 1000, T, 'vi')).toBe(vi);
    expect(time.age(T - s * 1000, T, 'en')).toBe(en);
  });
  it.each([
    [3 * 3600 + 12 * 60, 'còn 03:12', '03:12 left'],
    [53 * 3600, 'còn 2 ngày 5 giờ', '2 d 5 h left'],
    [-40 * 60, 'quá hạn 40 phút', 'overdue 40 min'],
  ])('deadline in %s s', (s, vi, en) => {
    expect(time.deadline(T + s * 1000, T, 'vi')).toBe(vi);
    expect(time.deadline(T + s * 1000, T, 'en')).toBe(en);
  });
  it.each([
    [300_000, '5 phút', '5 min'],
    [1_800_000, '30 phút', '30 min'],
    [5_400_000, '90 phút', '90 min'],
    [7_200_000, '2 giờ', '2 h'],
    [86_400_000, '1 ngày', '1 d'],
    [30_000, '30 giây', '30 s'],
    [1500, '1500 ms', '1500 ms'],
  ])('window of %s ms', (d, vi, en) => {
    expect([time.wholeSpan(d, 'vi'), time.wholeSpan(d, 'en')]).toEqual([vi, en]);
  });
  it.each([
    [0, 'chưa đến 1 giờ', 'less than an hour'],
    [0.03, 'chưa đến 1 giờ', 'less than an hour'],
    [0.4, 'khoảng 9 giờ', 'about 9 h'],
    [0.999, 'khoảng 23 giờ', 'about 23 h'],
    [1.2, 'khoảng 1 ngày', 'about 1 day'],
    [1234, 'khoảng 1.234 ngày', 'about 1,234 days'],
    [330_550, 'trên 5 năm', 'over 5 years'],
  ])('forecast of %s days', (d, vi, en) => {
    expect([time.forecast(d, 'vi'), time.forecast(d, 'en')]).toEqual([vi, en]);
  });
  it('says nothing of a time that is not set', () => {
    for (const t of [undefined, null, '', 0, '0001-01-01T00:00:00Z', 'x']) expect(time.full(t, 'vi')).toBe('–');
  });
  it('knows weeks and shifts', () => {
    expect(time.week(T, 'vi')).toBe('Tuần 47 (16–22/11/2026)');
    expect(time.shift(T).name).toBe('night');
    expect(time.minute(time.shift(T).to)).toBe('07:00');
    expect(time.shift(Date.parse('2026-11-21T00:00:00Z')).name).toBe('day');
    expect(time.minute(time.shift(Date.parse('2026-11-20T23:00:00Z')).from)).toBe('19:00');
  });
  it('reads back its own fields', () => {
    expect(time.fromDay('2026-11-21')).toBe(Date.parse('2026-11-20T17:00:00Z'));
    expect(time.toDay(T)).toBe('2026-11-21');
    expect(time.fromLocalField(time.toLocalField(T))).toBe(Date.parse('2026-11-21T15:46:00Z'));
    expect(time.fromDay('21/11/2026')).toBeUndefined();
  });
});

describe('days', () => {
  it.each([
    ['21/11/2026', '2026-11-21'],
    ['1/2', '2026-02-01'],
    ['2026-11-21', '2026-11-21'],
    ['30/02/2026', undefined],
    ['hôm nay', undefined],
  ])('reads %s', (text, want) => {
    expect(readDay(text, 2026)).toBe(want);
  });
  it('reads times and shows days', () => {
    expect(readTime('21/11/2026 22:46', 2026)).toBe('2026-11-21T22:46');
    expect(readTime('21/11/2026 25:00', 2026)).toBeUndefined();
    expect(shownDay('2026-11-21', 'vi')).toBe('21/11/2026');
  });
});
