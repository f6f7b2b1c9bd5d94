import { describe, expect, it } from 'vitest';
import { fromComposed, nameOf, type Press, Sequence, typing } from './keys';

describe('Vietnamese letters', () => {
  it.each([
    ['ạ', 'j'],
    ['ọ', 'j'],
    ['ã', 'x'],
    ['õ', 'x'],
    ['á', ''],
    ['ậ', ''], // two marks
    ['ư', ''], // w alone
    ['đ', ''],
    ['ệ', ''],
  ])('under a list %s is %s', (letter, key) => {
    expect(fromComposed(letter, 'list')).toBe(key);
    expect(fromComposed(letter.normalize('NFD').normalize('NFC'), 'list')).toBe(key);
  });
  it.each([
    ['á', '1'],
    ['à', '2'],
    ['ả', '3'],
    ['ã', '4'],
    ['ạ', '5'],
    ['â', '6'],
    ['ấ', ''],
  ])('in the reason menu %s is %s', (letter, key) => {
    expect(fromComposed(letter, 'menu')).toBe(key);
  });
  it('replays a then j from a hook-style input method', () => {
    const typed: Press[] = [{ key: 'a' }, { key: 'Backspace' }, { key: 'ạ' }];
    expect(typed.map((p) => nameOf(p))).toEqual(['a', '', 'j']);
  });
  it('replays a composition', () => {
    const typed: Press[] = [{ key: 'Process', isComposing: true }, { key: 'a', isComposing: true }, { key: 'Unidentified' }];
    expect(typed.map((p) => nameOf(p))).toEqual(['', '', '']);
  });
});

describe('names', () => {
  it.each<[Press, string]>([
    [{ key: 'k', ctrlKey: true }, 'ctrl+k'],
    [{ key: 'K', metaKey: true }, 'ctrl+k'],
    [{ key: 'A', shiftKey: true }, 'A'],
    [{ key: 'A' }, 'a'], // Caps Lock
    [{ key: '?', shiftKey: true }, '?'],
    [{ key: 'ArrowLeft', shiftKey: true }, 'shift+ArrowLeft'],
    [{ key: 'Enter', ctrlKey: true }, 'ctrl+Enter'],
    [{ key: '.' }, '.'],
    [{ key: 'a', altKey: true }, ''],
  ])('%o is %s', (p, want) => {
    expect(nameOf(p)).toBe(want);
  });
});

describe('g sequences', () => {
  it('goes, times out, and leaves other letters alone', () => {
    const s = new Sequence();
    expect(s.press('g', 0)).toBe(true);
    expect(s.press('a', 300)).toBe('/alerts');
    expect(s.press('a', 400)).toBe('');
    expect(s.press('g', 1000)).toBe(true);
    expect(s.press('a', 2500)).toBe('');
    expect(s.press('g', 3000)).toBe(true);
    expect(s.press('g', 3100)).toBe('bell');
    expect(s.press('g', 4000)).toBe(true);
    expect(s.press('z', 4100)).toBe('');
  });
});

describe('typing', () => {
  it('knows fields', () => {
    expect(typing({ tagName: 'INPUT', type: 'text' })).toBe(true);
    expect(typing({ tagName: 'INPUT', type: 'checkbox' })).toBe(false);
    expect(typing({ tagName: 'TEXTAREA' })).toBe(true);
    expect(typing({ tagName: 'BUTTON' })).toBe(false);
    expect(typing(null)).toBe(false);
  });
});
