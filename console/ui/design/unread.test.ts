import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The sources of the console, without what is generated, tested or built. */
const sources = readdirSync('.', { recursive: true, encoding: 'utf8' }).filter(
  (f) => /\.tsx?$/.test(f) && !/^(node_modules|dist|dev|browser|api)\//.test(f) && !/\.test\.tsx?$/.test(f),
);
/** Hooks that hand a question's answer on, to be looked at where it is shown: told by their own declaration. */
const handed = new Set(['useQuery', 'useInfiniteQuery']);
const texts = new Map(sources.map((f) => [f, readFileSync(join('.', f), 'utf8')]));
for (const t of texts.values())
  for (const m of t.matchAll(/export function (use\w+)\([^)]*\)[^{]*\{\s*return use(?:Infinite)?Query\(/g))
    handed.add(m[1] as string);

const asked = [...texts].flatMap(([file, t]) =>
  [...t.matchAll(/const (\w+) = (use\w+)(?:<[^>]*>)?\(/g)]
    .filter((m) => handed.has(m[2] as string))
    .map((m) => ({ file, name: m[1] as string, text: t })),
);

/** Where nothing is said that a failure makes untrue, and why. */
const needless: Record<string, string> = {
  'search/Search.tsx systems': 'a system without its name is called by its number',
  'frame/Palette.tsx alerts': 'all four are shown by <Unread> in a row',
  'frame/Palette.tsx systems': 'all four are shown by <Unread> in a row',
  'frame/Palette.tsx sources': 'all four are shown by <Unread> in a row',
  'frame/Palette.tsx rules': 'all four are shown by <Unread> in a row',
};

describe('an answer that failed', () => {
  it('is looked for in many places', () => expect(asked.length).toBeGreaterThan(25));
  it('is left out only where it is asked for', () =>
    expect(Object.keys(needless).filter((k) => !asked.some((a) => `${a.file} ${a.name}` === k))).toEqual([]));
  it.each(asked.filter((a) => !needless[`${a.file} ${a.name}`]))('is shown as one: $name of $file', ({ name, text }) => {
    // asked after by the place itself, or handed whole to who does: list={name}, return { list }
    const seen = new RegExp(`\\b${name}\\.(isError|error)\\b|=\\{${name}\\}|return \\{[^}]*\\b${name}\\b`);
    expect(seen.test(text) ? '' : `${name}: when it fails, what is shown is as if there were nothing`).toBe('');
  });
});
