/** What may stand where the caret is: fields and words of the language, or values of the field before the colon. */
export interface Known {
  name: string;
  fill: number;
  top: { key: string; count: number }[];
}

export interface Suggestion {
  /** what replaces the text from `from` to the caret */
  insert: string;
  from: number;
  kind: 'field' | 'value' | 'word';
  /** share or count beside it */
  figure?: number;
}

const words = ['and', 'or', 'not'];

function quoted(v: string): string {
  return /^[\w.@/-]+$/.test(v) ? v : `"${v.replace(/["\\]/g, '\\$&')}"`;
}

/** A condition of the language for one value of a field. */
export function condition(field: string, value: string, not = false): string {
  return `${not ? 'not ' : ''}${field}:${quoted(value)}`;
}

/** Adds a condition to a query. */
export function narrowed(query: string, part: string): string {
  const q = query.trim();
  if (!q) return part;
  return /\bor\b|\bhoặc\b/i.test(q) ? `(${q}) and ${part}` : `${q} and ${part}`;
}

export function suggest(text: string, caret: number, known: Known[]): Suggestion[] {
  const before = text.slice(0, caret);
  const m = /(?:^|[\s(])([\w.@-]*)(?::=?~?("?)([^\s"()]*))?$/.exec(before);
  if (!m) return [];
  const field = m[1] ?? '';
  if (m[3] !== undefined && before.includes(':', caret - m[0].length)) {
    const typed = (m[3] ?? '').toLowerCase();
    const from = caret - m[3].length - (m[2]?.length ?? 0);
    const f = known.find((k) => k.name === field);
    return (f?.top ?? [])
      .filter((v) => v.key.toLowerCase().includes(typed) && v.key.toLowerCase() !== typed)
      .slice(0, 8)
      .map((v) => ({ insert: quoted(v.key), from, kind: 'value', figure: v.count }));
  }
  const typed = field.toLowerCase();
  const from = caret - field.length;
  const fields = known
    .filter((k) => k.name.toLowerCase().includes(typed) && k.name !== typed)
    .sort((a, b) => Number(b.name.startsWith(typed)) - Number(a.name.startsWith(typed)) || b.fill - a.fill)
    .slice(0, 8)
    .map((k): Suggestion => ({ insert: `${k.name}:`, from, kind: 'field', figure: k.fill }));
  if (!typed) return [];
  const more = words
    .filter((w) => w.startsWith(typed) && w !== typed && before.trim() !== field)
    .map((w): Suggestion => ({ insert: `${w} `, from, kind: 'word' }));
  return [...more, ...fields];
}
