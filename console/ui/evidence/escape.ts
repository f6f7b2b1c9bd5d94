/**
 * What a log, a file, a host or another system wrote, made safe to look at: every character that can reorder, hide or fake text
 * becomes a named box. The pieces are rendered as text nodes by <Evidence>; escaped() gives the same as one line for copying.
 */
export type Piece = { kind: 'text'; text: string } | { kind: 'box'; text: string };

/** Characters in a row, in the detail, and per further step. */
export const ROW_LIMIT = 256;
export const DETAIL_LIMIT = 4096;

const MAX_MARKS = 3;

function codePoint(cp: number): string {
  return `U+${cp.toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Format characters, controls, tags, separators, variation selectors, fillers, lone surrogates: everything without ink of its own. */
function hidden(cp: number): boolean {
  return (
    cp < 0x20 ||
    (cp >= 0x7f && cp <= 0x9f) ||
    cp === 0xad ||
    cp === 0x34f ||
    cp === 0x61c ||
    cp === 0x115f ||
    cp === 0x1160 ||
    cp === 0x17b4 ||
    cp === 0x17b5 ||
    (cp >= 0x180b && cp <= 0x180f) ||
    (cp >= 0x200b && cp <= 0x200f) ||
    (cp >= 0x2028 && cp <= 0x202e) ||
    (cp >= 0x2060 && cp <= 0x206f) ||
    cp === 0x2800 ||
    cp === 0x3164 ||
    (cp >= 0xd800 && cp <= 0xdfff) ||
    (cp >= 0xe000 && cp <= 0xf8ff) ||
    (cp >= 0xfe00 && cp <= 0xfe0f) ||
    cp === 0xfeff ||
    cp === 0xffa0 ||
    (cp >= 0xfff0 && cp <= 0xfffb) ||
    (cp >= 0xe0000 && cp <= 0x10ffff)
  );
}

const mark = /\p{M}/u;

/** Cuts a text into plain text and boxes; line breaks become ↵ in rows and stay line breaks in the detail. */
export function pieces(raw: string, opts: { multiline?: boolean } = {}): Piece[] {
  const out: Piece[] = [];
  let text = '';
  let marks = 0;
  const flush = () => {
    if (text) out.push({ kind: 'text', text: text.normalize('NFC') });
    text = '';
  };
  const box = (t: string) => {
    flush();
    out.push({ kind: 'box', text: t });
  };
  for (const ch of raw) {
    const cp = ch.codePointAt(0) as number;
    if (mark.test(ch) && !hidden(cp)) {
      marks++;
      if (marks > MAX_MARKS || (text === '' && out.at(-1)?.kind !== 'text')) box(codePoint(cp));
      else text += ch;
      continue;
    }
    marks = 0;
    if (cp === 0x0a) {
      if (opts.multiline) text += '\n';
      else box('↵');
    } else if (cp === 0x0d) {
      if (!opts.multiline) box('␍');
      else box('␍');
    } else if (cp === 0x09) {
      if (opts.multiline) text += '\t';
      else text += ' ';
    } else if (cp === 0x1b) {
      box('␛');
    } else if (hidden(cp)) {
      box(codePoint(cp));
    } else {
      text += ch;
    }
  }
  flush();
  return out;
}

/** One line with every hidden character spelled out, safe to paste into a shell or a note. */
export function escaped(raw: string): string {
  return pieces(raw)
    .map((p) => (p.kind === 'text' ? p.text : p.text.startsWith('U+') ? `\\u{${p.text.slice(2)}}` : named(p.text)))
    .join('');
}

/** A name inside a sentence, an aria-label or a title: one short line with everything hidden spelled out. */
export function spoken(raw: string): string {
  const { text, rest } = cut(escaped(cut(raw, 80).text), 120);
  return rest > 0 || raw.length > 80 ? `${text}…` : text;
}

function named(sign: string): string {
  return sign === '↵' ? '\\n' : sign === '␍' ? '\\r' : '\\e';
}

/** URLs and addresses that nobody can click: hxxp, [.] */
export function defanged(raw: string): string {
  return escaped(raw)
    .replace(/\bhttp(s?):\/\//gi, 'hxxp$1://')
    .replace(/(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})/g, '$1[.]$2[.]$3[.]$4')
    .replace(/([a-z0-9-])\.([a-z]{2,})(?=[/:\s"']|$)/gi, '$1[.]$2');
}

/** Does the text hold characters a terminal would act on? */
export function hasControls(raw: string): boolean {
  for (const ch of raw) if (hidden(ch.codePointAt(0) as number)) return true;
  return false;
}

const scripts: [string, RegExp][] = [
  ['Latin', /\p{Script=Latin}/u],
  ['Cyrillic', /\p{Script=Cyrillic}/u],
  ['Greek', /\p{Script=Greek}/u],
  ['Armenian', /\p{Script=Armenian}/u],
  ['Cherokee', /\p{Script=Cherokee}/u],
  ['Han', /\p{Script=Han}/u],
  ['Arabic', /\p{Script=Arabic}/u],
  ['Hebrew', /\p{Script=Hebrew}/u],
];

/** The code points that do not belong in a name of one script; empty when the name is of one script. */
export function mixedScript(name: string): string[] {
  const found = scripts.filter(([, re]) => re.test(name)).map(([s]) => s);
  const cyrillicAlone = found.length === 1 && /^(?:Cyrillic|Greek|Armenian|Cherokee)$/.test(found[0] as string);
  if (found.length < 2 && !(cyrillicAlone && /[a-z0-9.]/i.test(name))) return [];
  const out: string[] = [];
  for (const ch of name)
    if (!/[\p{Script=Latin}\p{Script=Common}\p{M}]/u.test(ch)) out.push(codePoint(ch.codePointAt(0) as number));
  return [...new Set(out)];
}

/** Cuts at a limit of characters without splitting a surrogate pair; rest is how many UTF-16 units remain. */
export function cut(raw: string, limit: number): { text: string; rest: number } {
  if (raw.length <= limit) return { text: raw, rest: 0 };
  let end = limit;
  const c = raw.charCodeAt(end - 1);
  if (c >= 0xd800 && c <= 0xdbff) end--;
  return { text: raw.slice(0, end), rest: raw.length - end };
}
