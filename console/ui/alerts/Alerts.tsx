import { Button } from 'antd';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import type { AlertItem } from '../api/client';
import { FilterField } from '../design/FilterField';
import { Grid } from '../design/Grid';
import { Icon } from '../design/icons';
import { Failed, Loading, Unread } from '../design/states';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { counted } from '../format/counted';
import { number } from '../format/number';
import { minute, ms, span } from '../format/time';
import { useStatus } from '../frame/Frame';
import { ranges, useView } from '../frame/url';
import { ROAD, useMedia } from '../frame/useMedia';
import { useKeys } from '../keys/useKeys';
import { useRested } from '../live/clock';
import { useLang } from '../session/preferences';
import { useMay, useMe } from '../session/session';
import { aroundLink } from './Around';
import { useActions } from './actions';
import { useColumns } from './columns';
import { useAlerts, useGroup } from './data';
import { useChips, useFilters } from './filters';
import { NoAlerts } from './NoAlerts';
import { Preview } from './Preview';
import { keyOf, type Row } from './rows';

const views = ['unacknowledged', 'mine', 'high', 'personal', 'open', 'exercise', 'closed'] as const;

export default function Alerts() {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const navigate = useNavigate();
  const status = useStatus();
  const [params, change] = useView();
  const { filters, view, rangeName, masked, group, sevText, arrived } = useFilters(params);

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

  const phone = useMedia('(max-width: 700px)');
  // no place for a preview that says enough: a touch opens the alert itself
  const road = useMedia(ROAD);
  const columns = useColumns(marked, phone);

  const loadMore = useCallback(() => {
    if (list.hasNextPage && !list.isFetchingNextPage) list.fetchNextPage();
  }, [list.hasNextPage, list.isFetchingNextPage, list.fetchNextPage]);

  const counts = first?.views ?? {};
  const today = first?.today;
  const total = first?.total ?? 0;
  const groups = shown.filter((r) => r.kind === 'group').length;
  const chips = useChips(params, masked);
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
      <div className="queue queue-alerts">
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
              status={status.isError ? undefined : status.data}
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
                total={group ? total + shown.length - groups : total}
                selected={selected}
                onSelect={setSelected}
                onOpen={open}
                pressOpens={road}
                sort={sort}
                onSort={(s) => change({ sort: s === '-score' ? undefined : s })}
                onEnd={loadMore}
                marked={marked}
                onMark={mark}
                onMarkAll={() => mark(shown.map(keyOf).slice(0, 1000), true)}
                onCopy={copy}
                autoFocus
              />
              {group && <Unread list={inGroup} what="alerts" />}
              {current?.kind === 'group' && current.g.key !== openGroup && <Unread list={peek} what="alerts" />}
              <div className="grid-foot">
                <span>
                  1–{number(group ? groups : shown.length, lang)} {t('grid.of')}{' '}
                  {counted(total, { capped: first?.capped }, lang, t)} {group && t('alerts.groups')}
                </span>
                {(ms(first?.stale_after) ?? Number.POSITIVE_INFINITY) < arrived && (
                  <span className="chip chip-unk">{t('state.staleShort', { time: minute(first?.as_of) })}</span>
                )}
              </div>
            </>
          )}
        </div>
        {previewRow && !road && <Preview key={previewRow.id} row={previewRow} actions={actions} />}
      </div>
      {actions.node}
    </div>
  );
}
