import { Button } from 'antd';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate } from 'react-router';
import type { AlertGroup, AlertItem } from '../api/client';
import { FilterField } from '../design/FilterField';
import { type Column, Grid } from '../design/Grid';
import { Icon } from '../design/icons';
import { DemoChip, SeveritySign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { AgeCell } from '../design/Time';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { Said, Words } from '../evidence/Said';
import { number } from '../format/number';
import { minute, ms, span } from '../format/time';
import { useStatus } from '../frame/Frame';
import { rangeOf, ranges, useView } from '../frame/url';
import { useMedia } from '../frame/useMedia';
import { useKeys } from '../keys/useKeys';
import { serverNow, useRested } from '../live/clock';
import { useLang } from '../session/preferences';
import { pageRight, useMay, useMe } from '../session/session';
import { realSources } from '../sources/counts';
import { useActions } from './actions';
import { type Filters, useAlerts, useGroup } from './data';
import { Preview } from './Preview';
import { aroundLink, say, systemName } from './parts';

const views = ['unacknowledged', 'mine', 'high', 'personal', 'open', 'exercise', 'closed'] as const;

type Row = { kind: 'alert'; a: AlertItem; in?: string } | { kind: 'group'; g: AlertGroup; open: boolean };

const keyOf = (r: Row) => (r.kind === 'alert' ? r.a.number : `group:${r.g.key}`);

export default function Alerts() {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const navigate = useNavigate();
  const status = useStatus();
  const [params, change] = useView();
  const [arrived] = useState(serverNow);
  const view = params.get('view') ?? 'open';
  const rangeName = params.get('t') ?? '';
  // who sees hosts, accounts and addresses masked cannot ask by them: the server refuses it, so it is not offered
  const masked = pageRight(me, 'alerts') === 'personal';
  const group = masked && params.get('group') === 'entity' ? '' : (params.get('group') ?? '');
  const sevText = params.get('sev') ?? '';
  const filters = useMemo<Filters>(() => {
    const f: Filters = { view, sort: params.get('sort') ?? '-score' };
    for (const k of ['q', 'system', 'rule', 'attack'] as const) {
      const v = params.get(k);
      if (v) f[k] = v;
    }
    if (group) f.group = group;
    if (!masked)
      for (const k of ['host', 'user', 'address'] as const) {
        const v = params.get(k);
        if (v) f[k] = v;
      }
    if (sevText) f.sev = sevText.split(',');
    if (rangeName) {
      const r = rangeOf(rangeName, arrived);
      f.from = new Date(r.from).toISOString();
      f.to = r.moving ? undefined : new Date(r.to).toISOString();
    }
    return f;
  }, [params, view, sevText, rangeName, arrived, group, masked]);

  const queue = useAlerts(filters);
  const { list, rows, first, waiting, takeIn } = queue;
  const [openGroup, setOpenGroup] = useState<string>();
  const inGroup = useGroup(filters, group ? openGroup : undefined);
  const shown = useMemo<Row[]>(() => {
    if (!group) return rows.map((a) => ({ kind: 'alert', a }));
    const out: Row[] = [];
    for (const p of list.data?.pages ?? [])
      for (const g of p.groups ?? []) {
        const open = g.key === openGroup;
        out.push({ kind: 'group', g, open });
        if (open) for (const a of inGroup.data?.items ?? []) out.push({ kind: 'alert', a, in: g.key });
      }
    return out;
  }, [rows, group, list.data, openGroup, inGroup.data]);

  // the selection answers at once and reaches the URL when it rests
  const [selected, setSelected] = useState(params.get('sel') ?? undefined);
  const urlSelected = useRested(selected, 300);
  useEffect(() => {
    if (urlSelected && urlSelected !== params.get('sel') && !urlSelected.startsWith('group:')) change({ sel: urlSelected });
  }, [urlSelected, params, change]);
  useEffect(() => {
    if (shown.length > 0 && !shown.some((r) => keyOf(r) === selected)) setSelected(keyOf(shown[0] as Row));
  }, [shown, selected]);
  const current = shown.find((r) => keyOf(r) === selected);
  // a group is previewed by its first alert
  const peek = useGroup(filters, current?.kind === 'group' ? current.g.key : undefined);
  const rested = useRested(current, 70);
  const previewRow =
    current?.kind === 'alert' && rested && keyOf(rested) === selected
      ? current.a
      : rested?.kind === 'alert'
        ? rested.a
        : current?.kind === 'group'
          ? peek.data?.items[0]
          : undefined;

  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const mark = (keys: string[], on: boolean) =>
    setMarked((old) => {
      const next = new Set(old);
      for (const k of keys) {
        if (k.startsWith('group:')) continue;
        if (on) next.add(k);
        else next.delete(k);
      }
      return next;
    });

  const onDone = useCallback(
    (action: string, done: AlertItem[]) => {
      setMarked(new Set());
      if (action !== 'close') return;
      const closed = new Set(done.map((a) => a.number));
      setSelected((sel) => {
        const at = shown.findIndex((r) => keyOf(r) === sel);
        if (at < 0 || !sel || !closed.has(sel)) return sel;
        const isOpen = (r: Row) => r.kind === 'alert' && r.a.state !== 'closed' && !closed.has(r.a.number);
        const next = shown.slice(at + 1).find(isOpen) ?? shown.slice(0, at).reverse().find(isOpen);
        return next ? keyOf(next) : sel;
      });
    },
    [shown],
  );
  const actions = useActions({ onDone });
  const mayAck = useMay('alerts.acknowledge');
  const mayNote = useMay('alerts.note');

  const targets = (): AlertItem[] => {
    if (marked.size > 0) return shown.flatMap((r) => (r.kind === 'alert' && marked.has(r.a.number) ? [r.a] : []));
    return current?.kind === 'alert' ? [current.a] : [];
  };
  const open = (r: Row) => {
    if (r.kind === 'alert') navigate(`/alerts/${r.a.number}`);
    else setOpenGroup(r.open ? undefined : r.g.key);
  };
  const copy = (r: Row) => {
    if (r.kind !== 'alert') return;
    navigator.clipboard.writeText(`${location.origin}/alerts/${r.a.number}`).then(
      () => toast({ text: t('alerts.copied', { number: r.a.number }) }),
      () => toast({ kind: 'error', text: t('state.noClipboard') }),
    );
  };
  const filterField = useRef<HTMLInputElement>(null);
  const doTakeIn = () => {
    if (waiting > 0 || queue.rows.some((a) => a.state === 'closed')) {
      setMarked(new Set());
      takeIn();
    }
  };
  useKeys([
    { keys: ['.'], label: 'takeIn', act: doTakeIn },
    { keys: ['/'], label: 'filter', act: () => filterField.current?.focus() },
    ...(mayAck
      ? [
          { keys: ['a'], label: 'acknowledge', act: () => actions.acknowledge(targets().filter((a) => a.state !== 'closed')) },
          { keys: ['c'], label: 'closeAlert', act: () => actions.openClose(targets().filter((a) => a.state !== 'closed')) },
          { keys: ['A'], label: 'assign', act: () => actions.openAssign(targets()) },
        ]
      : []),
    ...(mayNote ? [{ keys: ['m'], label: 'note', act: () => actions.openNote(targets()) }] : []),
    { keys: ['p'], label: 'around', act: () => current?.kind === 'alert' && navigate(aroundLink(current.a)) },
    {
      keys: ['ArrowRight'],
      label: group ? 'openGroup' : '',
      act: () => current?.kind === 'group' && setOpenGroup(current.g.key),
    },
    { keys: ['ArrowLeft'], label: '', act: () => current && setOpenGroup(undefined) },
    {
      keys: ['Escape'],
      label: '',
      act: () => setMarked(new Set()),
    },
    {
      keys: ['1', '2', '3'],
      label: '',
      act: (k) => document.querySelectorAll<HTMLInputElement>('#preview .steps input')[Number(k) - 1]?.click(),
    },
  ]);

  // at a desk the sign keeps its word; where the title would be cut for it, the word is for screen readers
  const roomy = useMedia('(min-width: 1600px)');
  const phone = useMedia('(max-width: 700px)');
  const columns = useMemo<Column<Row>[]>(
    () =>
      (
        [
          {
            key: 'severity',
            head: t('column.severity'),
            width: roomy ? '112px' : phone ? '22px' : '44px',
            sort: 'severity',
            cell: (r) =>
              r.kind === 'group' ? (
                <span className="row-sign">
                  <Icon name={r.open ? 'down' : 'right'} size={12} />
                  <SeveritySign level={r.g.severity} word={roomy ? 'shown' : 'hidden'} />
                </span>
              ) : (
                <span className="row-sign">
                  {marked.has(r.a.number) && <Icon name="check" size={14} />}
                  <SeveritySign level={r.a.severity} word={roomy ? 'shown' : 'hidden'} size={roomy ? 14 : 16} />
                </span>
              ),
          },
          {
            key: 'score',
            head: t('column.score'),
            width: '38px',
            right: true,
            sort: 'score',
            cell: (r) => <span className="num score">{r.kind === 'alert' ? r.a.score : r.g.score}</span>,
          },
          {
            key: 'title',
            head: t('column.alert'),
            width: 'minmax(0,1fr)',
            cell: (r) =>
              r.kind === 'group' ? (
                <span className="cell2">
                  <span className="cut strong">
                    {Object.keys(r.g.title ?? {}).length > 0 ? <Said text={r.g.title} /> : <Evidence value={r.g.label} />}
                  </span>
                  {r.g.title && Object.keys(r.g.title).length > 0 && (
                    <span className="sub cut">
                      <Evidence value={r.g.label} />
                    </span>
                  )}
                </span>
              ) : (
                <span className="cell2">
                  <span className="cut title">
                    <Said text={r.a.title} fallback={r.a.rule} />
                  </span>
                  <span className="sub cut">
                    {r.a.state !== 'new' && (
                      <span className="who">
                        {t(`alertState.${r.a.state}`)}
                        {r.a.state === 'closed' && r.a.close_reason ? `: ${t(`reason.${r.a.close_reason}`).toLowerCase()}` : ''}
                        {r.a.state === 'acknowledged' && r.a.holder
                          ? ` · ${r.a.holder.name}`
                          : r.a.state === 'closed' && r.a.closed_by
                            ? ` · ${r.a.closed_by}`
                            : ''}{' '}
                        ·{' '}
                      </span>
                    )}
                    <DemoChip demo={r.a.demo} exercise={r.a.exercise} />
                    {r.a.evidence_text ? <Words text={say(r.a.evidence_text, lang, t)} /> : <Evidence value={r.a.evidence} />}
                  </span>
                </span>
              ),
          },
          {
            key: 'system',
            head: t('column.system'),
            width: roomy ? 'minmax(0,220px)' : '112px',
            cell: (r) =>
              r.kind === 'alert' && (
                <span className="cell2">
                  <span className="cut">{systemName(r.a.system, t)}</span>
                  <span className="sub">{r.a.system.level > 0 ? t('levelShort', { n: r.a.system.level }) : r.a.number}</span>
                </span>
              ),
          },
          {
            key: 'count',
            head: t('column.times'),
            width: '52px',
            right: true,
            sort: 'count',
            cell: (r) => <span className="num">{number(r.kind === 'alert' ? r.a.count : r.g.count, lang)}</span>,
          },
          {
            key: 'last',
            head: t('column.last'),
            width: '72px',
            sort: 'last',
            cell: (r) => <AgeCell at={r.kind === 'alert' ? r.a.last : r.g.last} />,
          },
        ] satisfies Column<Row>[]
      ).filter((c) => !phone || ['severity', 'title', 'last'].includes(c.key)),
    [t, lang, marked, roomy, phone],
  );

  const loadMore = useCallback(() => {
    if (list.hasNextPage && !list.isFetchingNextPage) list.fetchNextPage();
  }, [list.hasNextPage, list.isFetchingNextPage, list.fetchNextPage]);

  const counts = first?.views ?? {};
  const today = first?.today;
  const total = first?.total ?? 0;
  const chips: [string, string, string][] = [];
  for (const k of ['q', 'system', 'rule', 'host', 'user', 'address', 'attack', 'sev', 't'] as const) {
    const v = params.get(k);
    if (v && k !== 'q' && !(masked && ['host', 'user', 'address'].includes(k)))
      chips.push([
        k,
        t(`filter.${k}`),
        k === 't'
          ? t(`range.${v}`, v.replace('_', ' → '))
          : k === 'sev'
            ? v
                .split(',')
                .map((s) => t(`severity.${s}`))
                .join(', ')
            : v,
      ]);
  }
  const sort = filters.sort;

  return (
    <div className="page page-fixed">
      <div className="page-head">
        <h1>{t('page.alerts')}</h1>
        {today && (
          <span className="muted small">
            {t('alerts.todayMade')} <b>{number(today.made, lang)}</b>, {t('alerts.todayClosed')}{' '}
            <b>{number(today.closed, lang)}</b>
            {today.acknowledge_mean_seconds !== undefined && (
              <>
                , {t('alerts.todayAck')} <b>{span(today.acknowledge_mean_seconds * 1000, lang)}</b>
              </>
            )}
          </span>
        )}
      </div>
      <div className="tabs" role="tablist" aria-label={t('alerts.views')}>
        {views
          .filter((v) => v === view || v !== 'personal' || (counts.personal ?? 0) > 0)
          .map((v) => (
            <button
              key={v}
              type="button"
              role="tab"
              aria-selected={v === view}
              onClick={() => change({ view: v === 'open' ? undefined : v, sel: undefined }, true)}
            >
              {t(`view.${v}`)}
              {counts[v] !== undefined && <span className="num">{number(counts[v], lang)}</span>}
            </button>
          ))}
      </div>
      <div className="filter">
        <FilterField
          ref={filterField}
          value={params.get('q') ?? ''}
          onChange={(q) => change({ q })}
          placeholder={t('alerts.filter')}
        />
        {sort !== '-score' && <span className="chip">{t('alerts.sorted')}</span>}
        {chips.map(([k, name, v]) => (
          <button
            key={k}
            type="button"
            className="chip"
            onClick={() => change({ [k]: undefined })}
            aria-label={`${t('act.remove')} ${name}`}
          >
            {name}: <Evidence value={v} className="ev-said" /> ×
          </button>
        ))}
        <select
          className="select small"
          aria-label={t('alerts.severity')}
          value={sevText}
          onChange={(e) => change({ sev: e.target.value })}
        >
          <option value="">{t('alerts.anySeverity')}</option>
          <option value="critical,high">{t('alerts.criticalHigh')}</option>
          <option value="critical">{t('severity.critical')}</option>
          <option value="high">{t('severity.high')}</option>
          <option value="medium">{t('severity.medium')}</option>
          <option value="low,informational">{t('alerts.lowInfo')}</option>
        </select>
        <select
          className="select small"
          aria-label={t('alerts.group')}
          value={group}
          onChange={(e) => change({ group: e.target.value, sel: undefined })}
        >
          <option value="">{t('alerts.groupNone')}</option>
          {!masked && <option value="entity">{t('alerts.groupEntity')}</option>}
          <option value="rule">{t('alerts.groupRule')}</option>
          <option value="system">{t('alerts.groupSystem')}</option>
        </select>
        <select
          className="select small"
          aria-label={t('range.label')}
          value={ranges.includes(rangeName as never) ? rangeName : ''}
          onChange={(e) => change({ t: e.target.value })}
        >
          <option value="">{t('range.any')}</option>
          {ranges.map((r) => (
            <option key={r} value={r}>
              {t(`range.${r}`)}
            </option>
          ))}
        </select>
        <div className="end new-place">
          {waiting > 0 ? (
            <Button type="primary" size="small" onClick={doTakeIn} aria-keyshortcuts=".">
              <Icon name="arrowUp" size={14} /> {t('alerts.waiting', { count: waiting, n: number(waiting, lang) })} <kbd>.</kbd>
            </Button>
          ) : (
            <span className="muted small">{t(`alerts.sort.${sort}`, t('alerts.sorted'))}</span>
          )}
        </div>
      </div>
      {(first?.hidden ?? 0) > 0 && (
        <div className="banner banner-warn">
          {t('alerts.hidden', { count: first?.hidden, range: t(`range.${rangeName}`, rangeName.replace('_', ' → ')) })}
          <button type="button" className="link" onClick={() => change({ t: undefined })}>
            {t('alerts.showAll')}
          </button>
        </div>
      )}
      {marked.size > 0 && (
        <div className="banner banner-info bulk" role="status">
          <b>{t('alerts.marked', { count: marked.size })}</b>
          <Button size="small" onClick={() => actions.acknowledge(targets())}>
            {t('act.acknowledge')} <kbd>A</kbd>
          </Button>
          <Button size="small" onClick={() => actions.openClose(targets())}>
            {t('act.close')} <kbd>C</kbd>
          </Button>
          <Button size="small" onClick={() => actions.openAssign(targets())}>
            {t('act.assign')} <kbd>⇧A</kbd>
          </Button>
          <button type="button" className="link" onClick={() => setMarked(new Set())}>
            {t('alerts.unmark')} <kbd>Esc</kbd>
          </button>
        </div>
      )}
      <div className="queue">
        <div className="queue-list">
          {list.isPending ? (
            <Loading what="alerts" />
          ) : list.isError && !list.data ? (
            <Failed error={list.error} what="alerts" retry={() => list.refetch()} />
          ) : shown.length === 0 ? (
            <NoAlerts
              view={view}
              filtered={Boolean(filters.q || sevText || chips.length > 0)}
              onClear={() => change({ q: '', sev: '', t: '', system: '', rule: '', host: '', user: '', address: '', attack: '' })}
              status={status.data}
            />
          ) : (
            <>
              <Grid
                label={t('page.alerts')}
                columns={columns}
                rows={shown}
                rowKey={keyOf}
                rowHeight={phone ? 76 : 49}
                rowClass={(r) =>
                  r.kind === 'group'
                    ? 'group-row'
                    : r.a.state === 'closed'
                      ? 'closed'
                      : r.a.state === 'acknowledged' && r.a.holder?.id !== me.id
                        ? 'taken'
                        : ''
                }
                total={group ? shown.length : total}
                selected={selected}
                onSelect={setSelected}
                onOpen={open}
                sort={sort}
                onSort={(s) => change({ sort: s === '-score' ? undefined : s })}
                onEnd={loadMore}
                marked={marked}
                onMark={mark}
                onMarkAll={() => mark(shown.map(keyOf).slice(0, 1000), true)}
                onCopy={copy}
                autoFocus
              />
              <div className="grid-foot">
                <span>
                  1–{number(shown.length, lang)} {t('grid.of')} {first?.capped ? '≥ ' : ''}
                  {number(group ? shown.length : total, lang)}
                </span>
                {(ms(first?.stale_after) ?? Number.POSITIVE_INFINITY) < arrived && (
                  <span className="chip chip-unk">{t('state.staleShort', { time: minute(first?.as_of) })}</span>
                )}
              </div>
            </>
          )}
        </div>
        {previewRow && <Preview key={previewRow.id} row={previewRow} actions={actions} />}
      </div>
      {actions.node}
    </div>
  );
}

function NoAlerts({
  view,
  filtered,
  onClear,
  status,
}: {
  view: string;
  filtered: boolean;
  onClear: () => void;
  status: ReturnType<typeof useStatus>['data'];
}) {
  const { t } = useTranslation();
  const s = status?.sources;
  if (filtered)
    return (
      <Empty actions={<Button onClick={onClear}>{t('act.clear')}</Button>}>
        {t('state.noMatch', { what: t('noun.alerts') })}
      </Empty>
    );
  if (!['open', 'unacknowledged', 'all'].includes(view))
    return (
      <Empty>{t(view === 'closed' ? 'alerts.emptyClosed' : view === 'mine' ? 'alerts.emptyMine' : 'alerts.emptyView')}</Empty>
    );
  if (s && s.silent > 0)
    return (
      <Empty actions={<Link to={realSources(s, 'silent')}>{t('page.sources')}</Link>}>
        <span className="chip chip-unk">{t('alerts.emptySilent', { count: s.silent })}</span>
      </Empty>
    );
  return <Empty>{s && s.receiving > 0 ? t('alerts.empty', { n: s.receiving, m: s.total }) : t('alerts.emptyUnseen')}</Empty>;
}
