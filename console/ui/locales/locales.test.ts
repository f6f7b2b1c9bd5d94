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

/** The figure is a mean (acknowledge_mean_seconds): no language may call it anything else. */
it('the time to acknowledge is called a mean', () => {
  for (const key of ['alerts.todayAck', 'overview.ackMean']) {
    expect(enFlat.get(key), key).toMatch(/mean/);
    expect(viFlat.get(key), key).toMatch(/trung bình/);
  }
  for (const [k, v] of [...enFlat, ...viFlat]) expect(v, k).not.toMatch(/median|trung vị/i);
});

const root = join(__dirname, '..');
function sources(dir: string): string[] {
  return readdirSync(dir).flatMap((f) => {
    if (['node_modules', 'dist', 'dev', 'browser', 'screenshots'].includes(f)) return [];
    const p = join(dir, f);
    if (statSync(p).isDirectory()) return sources(p);
    return /\.tsx?$/.test(f) && !f.includes('.test.') ? [p] : [];
  });
}

/** What no duty officer says, what is said, and what stood there. */
const unidiomatic: [RegExp, string, string][] = [
  [/\bkiểm (?!tra|soát|toán|định|chứng|sát|kê|đếm|duyệt|thử|nghiệm)(?!\p{P})/iu, 'kiểm tra …', 'Kiểm dịch vụ'],
  [/\bkiểm (?:tay|lại)/iu, 'kiểm tra …', 'Kiểm lại'],
  [/chứng chỉ (?:tự ký|gốc|máy|số của máy)/iu, 'chứng thư …', 'chứng chỉ tự ký'],
  [/Chứng thư gốc được tin/u, 'Chứng thư gốc tin cậy', 'Chứng thư gốc được tin'],
  [/Lời bên nhận/u, 'Phản hồi của bên nhận', 'Lời bên nhận'],
  [/Việc đầu tiên|Tên nơi dùng/u, 'Các bước ban đầu, Tên đơn vị sử dụng', 'Việc đầu tiên'],
  [/Máy nào nhận khóa/u, 'Tên máy nhận khóa', 'Máy nào nhận khóa'],
  [/phím tắt một chữ(?! cái)/u, 'phím tắt một chữ cái', 'Tắt phím tắt một chữ'],
  [/bị khóa sử dụng/u, 'đã ngừng sử dụng', 'bị khóa sử dụng'],
  [/trên 0 nguồn/u, 'chưa có nguồn thật', 'trên 0 nguồn (+ 5 mẫu)'],
  [/(?:chậm|nhanh|lệch) -\d|-\d+ (?:giây|ms)\b/u, 'without a sign', 'chậm -7200 giây'],
  [/tra cứu từ \d|đưa từ \d|(?<!\p{L})từ 2 GB/u, 'ít nhất …, hơn …', 'tra cứu từ 40 công dân'],
  [/mã (?:unreachable|no_service)|nothing listens/u, 'Máy chủ không trả lời', 'mã unreachable'],
  [/đánh giá thay đổi/u, 'thay đổi trạng thái đánh giá', 'đánh giá thay đổi'],
];
const wording: Record<string, string> = {
  'deed.account.invite': 'nhận lời mời',
  'deed.account.reset': 'đặt lại tài khoản',
  'deed.posture.change': 'thay đổi trạng thái đánh giá',
  'audit.is.done': 'Thành công',
  'zone.border': 'biên',
  'zone.dmz': 'DMZ',
  'zone.internal': 'nội bộ',
  'zone.database': 'cơ sở dữ liệu',
};

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

  it('say it as a duty officer does, in the console, in the answers of the server and on the command line', () => {
    const server = JSON.parse(readFileSync(join(root, '../locales_vi.json'), 'utf8')) as Record<string, string>;
    // of the command line's sentences the English stands first: only what follows it is said in Vietnamese
    const line = readFileSync(join(root, '../../internal/lang/vi.yml'), 'utf8')
      .split('\n')
      .map((l) => l.replace(/^\s*"(?:[^"\\]|\\.)*":/, ''));
    const rules = ['../../detections', '../../compliance/policies', '../../docs/vi'].flatMap((d) =>
      readdirSync(join(root, d), { recursive: true, encoding: 'utf8' })
        .filter((f) => /\.(?:ya?ml|md)$/.test(f))
        .flatMap((f) => readFileSync(join(root, d, f), 'utf8').split('\n')),
    );
    const all = [...viFlat, ...Object.entries(server), ...[...line, ...rules].map((l, i) => [String(i), l] as const)];
    expect(all.length).toBeGreaterThan(3000);
    const found = all.flatMap(([k, text]) =>
      unidiomatic.filter(([bad]) => bad.test(text)).map(([, good]) => `${k}: ${text} → ${good}`),
    );
    expect(found).toEqual([]);
    // the words themselves, where each stands
    for (const [k, want] of Object.entries(wording)) expect([k, viFlat.get(k) ?? server[k]]).toEqual([k, want]);
    // each sign finds what it is for
    for (const [bad, , example] of unidiomatic) expect(example).toMatch(bad);
  });

  it('leave no Vietnamese in the English', () => {
    const marks = /[ăâđêôơưàảãáạằẳẵắặầẩẫấậèẻẽéẹềểễếệìỉĩíịòỏõóọồổỗốộờởỡớợùủũúụừửữứựỳỷỹýỵ]/i;
    for (const [k, v] of enFlat) if (!/Hoa Lư/.test(v) && k !== 'frame.language') expect([k, marks.test(v)]).toEqual([k, false]);
  });
});
