/**
 * Keys as the console understands them. Everything here is pure; the hook that listens is in useKeys.ts.
 *
 * Vietnamese typing: hook-style input methods on Windows rewrite letters outside fields too: `a` then `j` arrives as Backspace and
 * "ạ". So Backspace is never a key, a composed letter with exactly one mark stands for its tone key, and no action is bound to `w`.
 */
export type Mode = 'list' | 'menu';

export interface Press {
  key: string;
  code?: string;
  ctrlKey?: boolean;
  metaKey?: boolean;
  altKey?: boolean;
  shiftKey?: boolean;
  isComposing?: boolean;
}

const toneKey: Record<string, string> = { '\u0323': 'j', '\u0303': 'x' };
const vniDigit: Record<string, string> = {
  '\u0301': '1',
  '\u0300': '2',
  '\u0309': '3',
  '\u0303': '4',
  '\u0323': '5',
  '\u0302': '6',
};

/** The key behind a composed letter, or '' when it means nothing. */
export function fromComposed(letter: string, mode: Mode): string {
  const [, ...marks] = [...letter.normalize('NFD')];
  if (marks.length !== 1) return '';
  return (mode === 'menu' ? vniDigit : toneKey)[marks[0] as string] ?? '';
}

/** A press as a name: 'a', 'A', 'ctrl+k', 'Enter', 'shift+ArrowLeft'; '' for what is no key of ours. */
export function nameOf(p: Press, mode: Mode = 'list'): string {
  if (p.isComposing || p.key === 'Process' || p.key === 'Dead' || p.key === 'Unidentified' || p.key === 'Backspace') return '';
  if (p.altKey) return '';
  const ctrl = p.ctrlKey || p.metaKey;
  if ([...p.key].length === 1) {
    if (/^[a-z]$/i.test(p.key)) {
      if (ctrl) return `ctrl+${p.key.toLowerCase()}`;
      // Caps Lock does not make an action of its own: the Shift key decides
      return p.shiftKey ? p.key.toUpperCase() : p.key.toLowerCase();
    }
    if (/[^\u0020-\u007e]/.test(p.key)) return ctrl ? '' : fromComposed(p.key, mode);
    return ctrl ? `ctrl+${p.key}` : p.key;
  }
  const shift = p.shiftKey ? 'shift+' : '';
  return `${ctrl ? 'ctrl+' : ''}${shift}${p.key}`;
}

/** Where `g` then a letter goes. */
export const places: Record<string, string> = {
  o: '/',
  a: '/alerts',
  s: '/search',
  y: '/systems',
  n: '/sources',
  l: '/ledger',
  r: '/rules',
  t: '/national',
  d: '/audit',
  q: '/admin',
};

/** Two-key sequences that begin with `g`; a new one must follow within a second. */
export class Sequence {
  private at = 0;
  private open = false;

  /** The place to go to, true when the press was taken as the start, '' when it is nothing of ours. */
  press(name: string, now: number): string | true | '' {
    if (this.open && now - this.at < 1000) {
      this.open = false;
      return places[name] ?? (name === 'g' ? 'bell' : '');
    }
    this.open = name === 'g';
    this.at = now;
    return this.open ? true : '';
  }
}

/** Is the focus somewhere that letters belong to? */
export function typing(
  el: { tagName?: string; isContentEditable?: boolean; type?: string; role?: string | null } | null,
): boolean {
  if (!el) return false;
  const tag = el.tagName?.toUpperCase();
  if (tag === 'TEXTAREA' || tag === 'SELECT' || el.isContentEditable) return true;
  return tag === 'INPUT' && !/^(?:checkbox|radio|button|submit|range)$/.test(el.type ?? 'text');
}
