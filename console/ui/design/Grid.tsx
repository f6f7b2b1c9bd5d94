import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Binding } from '../keys/useKeys';
import { useKeys } from '../keys/useKeys';

export interface Column<R> {
  key: string;
  /** text of the head, in the person's language */
  head: ReactNode;
  /** a track of CSS grid: '96px', 'minmax(0,1fr)' */
  width: string;
  right?: boolean;
  /** name of the sort key at the server */
  sort?: string;
  cell: (row: R) => ReactNode;
}

interface Props<R> {
  label: string;
  columns: Column<R>[];
  rows: R[];
  rowKey: (row: R) => string;
  rowHeight?: number;
  rowClass?: (row: R) => string;
  /** rows that exist at the server, -1 when not known */
  total?: number;
  selected: string | undefined;
  onSelect: (key: string) => void;
  onOpen?: (row: R) => void;
  /** one press opens: where nothing stands beside the list, a row that is only chosen shows nothing more */
  pressOpens?: boolean;
  /** sort as in the URL: 'last' or '-last' */
  sort?: string;
  onSort?: (sort: string) => void;
  onEnd?: () => void;
  marked?: ReadonlySet<string>;
  onMark?: (keys: string[], on: boolean) => void;
  onMarkAll?: () => void;
  onCopy?: (row: R) => void;
  /** keys of this list only */
  keys?: Binding[];
  /** first focus on arrival */
  autoFocus?: boolean;
}

const OVERSCAN = 6;
/** Rows before the end at which the next page is asked for: more than a second of a key held down, so that it is there when reached. */
const AHEAD = 40;
/** Least width of a column that gives way, the gap between columns and the edges of a row (base.css). */
const LEAST = 130;
const GAP = 14;
const EDGES = 22;
/** A column this narrow (px) holds a sign alone: its head is read out, not drawn over the next one. */
const SIGN = 30;

/**
 * A list of rows of one height, of which only those in sight are in the document. Rows never move by themselves: the caller decides
 * when `rows` changes. One row is in the tab order; j k, arrows, Home, End, PgUp, PgDn move.
 */
export function Grid<R>(props: Props<R>) {
  const { label, columns, rows, rowKey, rowHeight = 32, rowClass, total, selected, onSelect, onOpen, onEnd } = props;
  const { t } = useTranslation();
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const focusNext = useRef(false);
  const index = rows.findIndex((r) => rowKey(r) === selected);

  useLayoutEffect(() => {
    const el = box.current;
    if (!el) return;
    const measure = () => setView((v) => ({ top: el.scrollTop, height: el.clientHeight || v.height }));
    measure();
    const ro = new ResizeObserver(measure);
    ro.observe(el);
    return () => ro.disconnect();
  }, []);

  const first = Math.max(0, Math.floor(view.top / rowHeight) - OVERSCAN);
  const last = Math.min(rows.length, Math.ceil((view.top + view.height) / rowHeight) + OVERSCAN);

  useEffect(() => {
    if (rows.length > 0 && last >= rows.length - AHEAD) onEnd?.();
  }, [last, rows.length, onEnd]);

  const scrollTo = useCallback(
    (i: number) => {
      const el = box.current;
      if (!el) return;
      const head = 30;
      const top = i * rowHeight;
      if (top < el.scrollTop) el.scrollTop = top;
      else if (top + rowHeight + head > el.scrollTop + el.clientHeight) el.scrollTop = top + rowHeight + head - el.clientHeight;
    },
    [rowHeight],
  );

  const go = useCallback(
    (i: number) => {
      const at = Math.max(0, Math.min(rows.length - 1, i));
      const row = rows[at];
      if (!row) return;
      focusNext.current = true;
      onSelect(rowKey(row));
      scrollTo(at);
    },
    [rows, rowKey, onSelect, scrollTo],
  );

  useEffect(() => {
    if (!focusNext.current || index < 0) return;
    focusNext.current = false;
    const at = box.current?.querySelector<HTMLElement>('[role=row][tabindex="0"]');
    at?.focus({ preventScroll: true });
    // enlarged, the page scrolls around the grid
    at?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  });

  const arrived = useRef(false);
  useEffect(() => {
    if (arrived.current || !props.autoFocus || index < 0) return;
    arrived.current = true;
    scrollTo(index);
    const active = document.activeElement;
    if (!active || active === document.body || active.id === 'main')
      box.current?.querySelector<HTMLElement>('[role=row][tabindex="0"]')?.focus({ preventScroll: true });
  }, [index, props.autoFocus, scrollTo]);

  const row = index >= 0 ? rows[index] : undefined;
  const extend = (by: number) => {
    const to = rows[Math.max(0, Math.min(rows.length - 1, index + by))];
    if (row && to) props.onMark?.([rowKey(row), rowKey(to)], true);
    go(index + by);
  };
  useKeys([
    { keys: ['j', 'ArrowDown'], label: 'next', act: () => go(index + 1) },
    { keys: ['k', 'ArrowUp'], label: 'previous', act: () => go(index < 0 ? 0 : index - 1) },
    { keys: ['Home'], label: '', act: () => go(0) },
    { keys: ['End'], label: '', act: () => go(rows.length - 1) },
    { keys: ['PageDown'], label: '', act: () => go(index + Math.max(1, Math.floor(view.height / rowHeight) - 1)) },
    { keys: ['PageUp'], label: '', act: () => go(index - Math.max(1, Math.floor(view.height / rowHeight) - 1)) },
    ...(onOpen ? [{ keys: ['Enter', 'o'], label: 'open', act: () => row && onOpen(row) }] : []),
    ...(props.onMark
      ? [
          {
            keys: ['x'],
            label: 'mark',
            act: () => row && props.onMark?.([rowKey(row)], !props.marked?.has(rowKey(row))),
          },
          { keys: ['J', 'shift+ArrowDown'], label: 'extend', act: () => extend(1) },
          { keys: ['K', 'shift+ArrowUp'], label: '', act: () => extend(-1) },
          { keys: ['ctrl+a'], label: 'markAll', act: () => props.onMarkAll?.() },
        ]
      : []),
    ...(props.onCopy ? [{ keys: ['y'], label: 'copyLink', act: () => row && props.onCopy?.(row) }] : []),
    ...(props.keys ?? []),
  ]);

  const template = columns.map((c) => c.width).join(' ');
  // narrower than this the grid scrolls sideways instead of squeezing a column to nothing
  const least = columns.reduce(
    (n, c) => n + (/^(\d+)px$/.test(c.width) ? Number.parseInt(c.width, 10) : LEAST) + GAP,
    EDGES - GAP,
  );
  const drawn: number[] = [];
  for (let i = first; i < last; i++) drawn.push(i);
  if (index >= 0 && (index < first || index >= last)) drawn.push(index);
  const tabRow = Math.max(0, index);

  const rowKeyDown = (e: KeyboardEvent, r: R) => {
    if (e.key === ' ' && e.target === e.currentTarget && props.onMark) {
      e.preventDefault();
      props.onMark([rowKey(r)], !props.marked?.has(rowKey(r)));
    }
  };

  return (
    <div
      ref={box}
      className="grid"
      role="grid"
      aria-label={label}
      aria-rowcount={(total ?? rows.length) < 0 ? -1 : (total ?? rows.length) + 1}
      aria-colcount={columns.length}
      aria-multiselectable={props.onMark ? true : undefined}
      onScroll={(e) => {
        const el = e.currentTarget;
        setView({ top: el.scrollTop, height: el.clientHeight });
      }}
    >
      <div className="grid-head" role="rowgroup" style={{ minWidth: least }}>
        <div className="grid-row" role="row" aria-rowindex={1} style={{ gridTemplateColumns: template }}>
          {columns.map((c) => {
            const head = Number.parseInt(c.width, 10) <= SIGN ? <span className="sr">{c.head}</span> : c.head;
            const dir = props.sort === c.sort ? 'ascending' : props.sort === `-${c.sort}` ? 'descending' : undefined;
            return (
              <div
                key={c.key}
                role="columnheader"
                className={c.right ? 'right' : undefined}
                aria-sort={c.sort && props.onSort ? (dir ?? 'none') : undefined}
              >
                {c.sort && props.onSort ? (
                  <button type="button" onClick={() => props.onSort?.(dir === 'descending' ? (c.sort as string) : `-${c.sort}`)}>
                    {head}
                    {dir === 'descending' ? ' ↓' : dir === 'ascending' ? ' ↑' : ''}
                  </button>
                ) : (
                  (c.head && head) || <span className="sr">{t('grid.mark')}</span>
                )}
              </div>
            );
          })}
        </div>
      </div>
      <div className="grid-body" role="rowgroup" style={{ height: rows.length * rowHeight, minWidth: least }}>
        {drawn.map((i) => {
          const r = rows[i] as R;
          const key = rowKey(r);
          return (
            <div
              key={key}
              role="row"
              aria-rowindex={i + 2}
              aria-selected={key === selected || Boolean(props.marked?.has(key))}
              data-current={key === selected || undefined}
              tabIndex={i === tabRow ? 0 : -1}
              className={`grid-row ${rowClass?.(r) ?? ''}${props.marked?.has(key) ? ' marked' : ''}`}
              style={{ top: i * rowHeight, height: rowHeight, gridTemplateColumns: template }}
              onClick={() => {
                focusNext.current = true;
                onSelect(key);
                if (props.pressOpens) onOpen?.(r);
              }}
              onDoubleClick={() => onOpen?.(r)}
              onKeyDown={(e) => rowKeyDown(e, r)}
            >
              {columns.map((c) => (
                <div key={c.key} role="gridcell" className={c.right ? 'right' : undefined}>
                  {c.cell(r)}
                </div>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}
