import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import type { Condition } from '../api/client';
import '../locales/i18n';
import { branches, Trace } from './Trace';

const search = (want: string, matched: boolean): Condition => ({ op: 'search', want, matched }) as Condition;
const line = (field: string, want: string, got: string, matched: boolean, negated = false): Condition =>
  ({ op: 'contains', field, want, got, matched, ...(negated ? { negated } : {}) }) as Condition;

const trace = [
  search('selection_wmic', false),
  line('process.command_line', 'shadowcopy', 'vssadmin delete shadows', false),
  search('selection_vssadmin', true),
  line('process.command_line', 'delete shadows', 'vssadmin delete shadows', true),
  line('process.name', 'backup', 'vssadmin backup.exe', false, true),
];

describe('the trace', () => {
  it('begins with the branch that matched and folds the rest', () => {
    const { held, rest } = branches(trace);
    expect(held.map((c) => c.want)).toEqual(['selection_vssadmin', 'delete shadows']);
    expect(rest.map((c) => c.want)).toEqual(['selection_wmic', 'shadowcopy', 'backup']);
    const html = renderToStaticMarkup(<Trace trace={trace} />);
    expect(html.indexOf('selection_vssadmin')).toBeLessThan(html.indexOf('<details'));
    expect(html.indexOf('selection_wmic')).toBeGreaterThan(html.indexOf('<details'));
  });
  it('marks nothing inside what did not match', () => {
    const folded = renderToStaticMarkup(<Trace trace={trace} />).split('<details')[1] ?? '';
    expect(folded).toContain('vssadmin');
    expect(folded).not.toContain('ev-hit');
  });
  it('folds nothing where nothing would be left', () => {
    const none = [search('a', false), line('x', 'y', 'z', false)];
    expect(branches(none)).toEqual({ held: none, rest: [] });
  });
});
