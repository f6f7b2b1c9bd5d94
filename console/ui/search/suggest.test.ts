import { describe, expect, it } from 'vitest';
import { condition, narrowed, suggest } from './suggest';

const known = [
  { name: 'source.ip', fill: 1, top: [{ key: '10.0.0.1', count: 4 }] },
  { name: 'process.command_line', fill: 0.4, top: [{ key: 'sh -c "x"', count: 2 }] },
  { name: 'process.name', fill: 0.5, top: [] },
];
const at = (text: string) => suggest(text, text.length, known).map((s) => s.insert);

describe('suggest', () => {
  it.each<[string, string[]]>([
    ['', []],
    ['proc', ['process.name:', 'process.command_line:']],
    ['source.ip:10.0.0.1 an', ['and ', 'process.command_line:']],
    ['source.ip:', ['10.0.0.1']],
    ['source.ip:1', ['10.0.0.1']],
    ['(source.ip:10', ['10.0.0.1']],
    ['process.command_line:', ['"sh -c \\"x\\""']],
    ['nothing.here:', []],
  ])('%s', (text, want) => {
    expect(at(text)).toEqual(want);
  });
  it('replaces what was typed', () => {
    const text = 'user.name:root and sou';
    const s = suggest(text, text.length, known)[0];
    expect(text.slice(0, s?.from) + s?.insert).toBe('user.name:root and source.ip:');
  });
});

describe('conditions', () => {
  it('quotes what is no plain word', () => {
    expect(condition('a.b', 'x y')).toBe('a.b:"x y"');
    expect(condition('a.b', '10.0.0.1', true)).toBe('not a.b:10.0.0.1');
  });
  it('keeps an or together', () => {
    expect(narrowed('', 'a:1')).toBe('a:1');
    expect(narrowed('b:2', 'a:1')).toBe('b:2 and a:1');
    expect(narrowed('b:2 or c:3', 'a:1')).toBe('(b:2 or c:3) and a:1');
  });
});
