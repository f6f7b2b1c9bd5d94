import { useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { ControlItem, FindingItem, PostureAnswer } from '../api/client';
import { PostureSign } from '../design/signs';
import { age } from '../format/time';
import { useKeys } from '../keys/useKeys';
import { serverNow } from '../live/clock';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { newest } from './Requirement';

const basisOf: Record<string, string> = { tcvn11930: 'TCVN 11930:2017', tcvn14423: 'TCVN 14423:2026' };

/** Groups of cells; one tab stop, arrows move over all of them as they lie on the screen. */
export function Cells({
  p,
  findings,
  controls,
  by,
  picked,
  onPick,
  onOpen,
}: {
  p: PostureAnswer;
  findings: Map<string, FindingItem>;
  controls: Map<string, ControlItem>;
  by: 'group' | 'clause';
  picked: string | undefined;
  onPick: (c: string) => void;
  onOpen: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const box = useRef<HTMLDivElement>(null);
  const groups = useMemo(() => {
    if (by === 'group')
      return p.groups
        .map((g) => ({ id: g.id, title: say(g.title, lang, t), items: g.items }))
        .sort((a, b) => b.items.length - a.items.length);
    const byClause = new Map<string, string[]>();
    for (const f of p.findings) {
      const c = controls.get(f.control)?.clauses[p.basis] ?? '–';
      const head = c.split('.').slice(0, 2).join('.');
      byClause.set(head, [...(byClause.get(head) ?? []), f.control]);
    }
    return [...byClause]
      .sort(([a], [b]) => a.localeCompare(b, 'vi', { numeric: true }))
      .map(([id, items]) => ({ id, title: `${basisOf[p.basis] ?? ''} ${id}`, items }));
  }, [p, by, controls, lang, t]);
  const packed = useMemo(() => pack(groups, 3), [groups]);
  const move = (dir: 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown') => {
    const cells = [...(box.current?.querySelectorAll<HTMLElement>('.cell') ?? [])];
    const at = cells.findIndex((c) => c.dataset.control === picked);
    const here = cells[at] ?? cells[0];
    if (!here) return;
    let to: HTMLElement | undefined;
    if (dir === 'ArrowLeft') to = cells[at - 1];
    else if (dir === 'ArrowRight') to = cells[at + 1];
    else {
      const r = here.getBoundingClientRect();
      let best = Number.POSITIVE_INFINITY;
      for (const c of cells) {
        const k = c.getBoundingClientRect();
        const dy = dir === 'ArrowDown' ? k.top - r.top : r.top - k.top;
        if (dy < 4) continue;
        const d = dy + Math.abs(k.left - r.left) * 3;
        if (d < best) {
          best = d;
          to = c;
        }
      }
    }
    if (to) {
      to.focus();
      onPick(to.dataset.control as string);
    }
  };
  useKeys([{ keys: ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'], label: 'cells', act: (k) => move(k as 'ArrowLeft') }]);
  return (
    <div className="cells" ref={box}>
      {packed.map((column, n) => (
        <div key={n} className="cell-column">
          {column.map((g) => {
            const list = g.items.map((c) => findings.get(c)).filter((f) => f !== undefined);
            const met = list.filter((f) => f.state === 'met').length;
            return (
              <section
                key={g.id}
                className={list.length < 5 ? 'cell-group cell-group-small' : 'cell-group'}
                aria-label={`${g.title} ${met}/${list.length}`}
              >
                <h3>
                  {g.title}{' '}
                  <span className="num muted">
                    {met}/{list.length}
                  </span>
                </h3>
                <div className="cell-list">
                  {list.map((f, i) => (
                    <Cell
                      key={f.control}
                      f={f}
                      name={`${g.title} ${i + 1}`}
                      picked={f.control === picked || (!picked && n === 0 && i === 0)}
                      onPick={onPick}
                      onOpen={onOpen}
                    />
                  ))}
                </div>
              </section>
            );
          })}
        </div>
      ))}
    </div>
  );
}

interface Group {
  id: string;
  title: string;
  items: string[];
}

/** Spreads groups over columns of about the same height, ten cells a row; two small groups share a line. */
function pack(groups: Group[], columns: number): Group[][] {
  const units: Group[][] = [];
  const small: Group[] = [];
  for (const g of groups) {
    if (g.items.length < 5) small.push(g);
    else units.push([g]);
  }
  while (small.length > 0) {
    const one = small.shift() as Group;
    const two = small.findIndex((g) => one.title.length + g.title.length < 26);
    units.push(two < 0 ? [one] : [one, ...small.splice(two, 1)]);
  }
  const out: { h: number; groups: Group[] }[] = Array.from({ length: columns }, () => ({ h: 0, groups: [] }));
  for (const u of units) {
    const to = out.reduce((a, b) => (b.h < a.h ? b : a));
    to.groups.push(...u);
    to.h += 1 + Math.ceil(Math.max(...u.map((g) => g.items.length)) / 10);
  }
  return out.map((c) => c.groups);
}

function Cell({
  f,
  name,
  picked,
  onPick,
  onOpen,
}: {
  f: FindingItem;
  name: string;
  picked: boolean;
  onPick: (c: string) => void;
  onOpen: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const at = newest(f);
  const label = `${name}, ${say(f.title, lang, t)}: ${t(`posture.${f.state}`).toLowerCase()}${at ? `, ${t('systems.evidenceAge', { age: age(at, serverNow(), lang) })}` : ''}`;
  return (
    <button
      type="button"
      className="cell"
      data-control={f.control}
      tabIndex={picked ? 0 : -1}
      aria-pressed={picked}
      aria-label={label}
      title={say(f.title, lang, t)}
      onKeyDown={(e) => {
        if (e.key !== 'Enter') return;
        e.preventDefault();
        onPick(f.control);
        onOpen();
      }}
      onClick={() => onPick(f.control)}
    >
      <PostureSign state={f.state} word="none" size={16} />
    </button>
  );
}
