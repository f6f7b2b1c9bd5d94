import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import {
  client,
  type LedgerAnswer,
  type LedgerCell,
  type LedgerItem,
  type QuarantineAnswer,
  type QuarantineItem,
  take,
} from '../api/client';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { RangeField } from '../design/RangeField';
import { PostureSign } from '../design/signs';
import { Empty, Failed, Loading, problemText } from '../design/states';
import { TakeIn } from '../design/TakeIn';
import { Exact } from '../design/Time';
import { toast } from '../design/toast';
import { given, useCursor } from '../design/useCursor';
import { Evidence } from '../evidence/Evidence';
import { bytes, number } from '../format/number';
import { full, listed, minute, ms } from '../format/time';
import { useRange, useView } from '../frame/url';
import { serverNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { useMay } from '../session/session';

const views = ['minute', 'source', 'off', 'dropped', 'quarantine'] as const;

const figures = ['received', 'stored', 'quarantined', 'rejected', 'duplicate', 'dropped', 'in_flight'] as const;

export default function Ledger() {
  const { t } = useTranslation();
  const lang = useLang();

  const [params, change] = useView();
  const view = views.find((v) => v === params.get('view')) ?? 'minute';
  const [at, setAt] = useState(serverNow);
  const [range, setRange] = useRange(at);
  const source = params.get('source') ?? '';
  const query = given({
    view: view === 'quarantine' ? 'minute' : view,
    source,
    from: new Date(range.from).toISOString(),
    to: new Date(range.to).toISOString(),
  });
  const { list, rows, first, more } = useCursor<LedgerItem, LedgerAnswer>(
    ['ledger', query],
    (after) =>
      take(
        client.GET('/api/ledger', {
          params: { query: { ...query, limit: 500, map: !after, ...(after ? { after } : {}) } as never },
        }),
      ),
    view !== 'quarantine',
  );
  const s = first?.status;
  const [selected, setSelected] = useState<string>();
  const columns = useMemo<Column<LedgerItem>[]>(
    () => [
      {
        key: 'state',
        head: t('column.state'),
        width: '112px',
        cell: (r) => (
          <PostureSign
            state={!r.checked ? 'unknown' : r.difference === 0 ? 'met' : 'not_met'}
            label={!r.checked ? t('ledger.unchecked') : r.difference === 0 ? t('ledger.balanced') : t('ledger.differs')}
          />
        ),
      },
      {
        key: 'source',
        head: t('sources.source'),
        width: 'minmax(0,1fr)',
        cell: (r) =>
          r.source.id ? (
            <Evidence value={r.source.name || r.source.id} name className="block cut" />
          ) : (
            <span className="muted">{t('ledger.allSources')}</span>
          ),
      },
      ...figures.map(
        (k): Column<LedgerItem> => ({
          key: k,
          head: t(`ledger.${k}`),
          width: '76px',
          right: true,
          cell: (r) =>
            k === 'quarantined' && r[k] > 0 ? (
              <Link to={`/ledger?view=quarantine${r.source.id ? `&source=${r.source.id}` : ''}`} className="num">
                {number(r[k], lang)}
              </Link>
            ) : (
              <span className="num">{number(r[k], lang)}</span>
            ),
        }),
      ),
      {
        key: 'difference',
        head: t('ledger.difference'),
        width: '60px',
        right: true,
        cell: (r) => (
          <span className={`num strong${r.difference !== 0 && r.checked ? ' danger-text' : ''}`}>
            {r.checked ? number(r.difference, lang) : '?'}
          </span>
        ),
      },
      {
        key: 'minute',
        head: t('ledger.minute'),
        width: '92px',
        cell: (r) => <span className="num">{listed(r.minute, lang).slice(0, -3)}</span>,
      },
    ],
    [t, lang],
  );
  const keyOf = (r: LedgerItem) => `${r.minute}/${r.source.id}`;
  const current = rows.find((r) => keyOf(r) === selected);
  return (
    <div className="page page-fixed">
      <div className="page-head">
        <h1>{t('page.ledger')}</h1>
        {s && (
          <PostureSign
            state={s.state === 'balanced' ? 'met' : s.state === 'off' ? 'not_met' : 'unknown'}
            label={
              s.state === 'balanced'
                ? s.since
                  ? t('ledger.since', { time: full(s.since, lang) })
                  : t('ledger.balanced')
                : s.state === 'off'
                  ? t('ledger.offAt', { n: number(s.difference, lang), time: minute(s.minute) })
                  : t('ledger.unknown')
            }
          />
        )}
        {s && s.not_measured > 0 && (
          <span className="chip chip-unk">{t('ledger.notMeasuredDay', { n: number(s.not_measured, lang) })}</span>
        )}
        <div className="end">
          {view !== 'quarantine' && (
            <RangeField
              range={range}
              onChange={(n) => {
                setAt(serverNow());
                setRange(n);
              }}
            />
          )}
        </div>
      </div>
      <div className="tabs" role="tablist" aria-label={t('alerts.views')}>
        {views.map((v) => (
          <button
            key={v}
            type="button"
            role="tab"
            aria-selected={v === view}
            onClick={() => change({ view: v === 'minute' ? undefined : v }, true)}
          >
            {t(`ledger.view.${v}`)}
          </button>
        ))}
      </div>
      {view === 'quarantine' ? (
        <Quarantine />
      ) : (
        <>
          <div className="filter">
            <span className="muted small">{t('ledger.equationShort')}</span>
            {source && (
              <button type="button" className="chip" onClick={() => change({ source: undefined })}>
                {t('sources.source')}: {source} ×
              </button>
            )}
            <div className="end">
              <TakeIn
                topics={['ledger']}
                at={list.dataUpdatedAt}
                onTake={() => {
                  setAt(serverNow());
                  if (!range.moving) list.refetch();
                }}
              />
            </div>
          </div>
          {list.isPending ? (
            <Loading what="ledger" />
          ) : !first ? (
            <Failed error={list.error} what="ledger" retry={() => list.refetch()} />
          ) : (
            <>
              {(first.map ?? []).length > 0 && (
                <HeatMap cells={first.map ?? []} from={range.from} to={range.to} kept={ms(first.kept_since)} />
              )}
              {rows.length === 0 ? (
                <Empty>
                  {view === 'off' || view === 'dropped'
                    ? t(view === 'off' ? 'ledger.nothingOff' : 'ledger.nothingDropped') +
                      (first.not_measured > 0 ? ` ${t('ledger.notMeasuredRange', { n: number(first.not_measured, lang) })}` : '')
                    : first.kept_since
                      ? t('ledger.kept', { time: full(first.kept_since, lang) })
                      : t('ledger.none')}
                </Empty>
              ) : (
                <>
                  <Grid
                    label={t('page.ledger')}
                    columns={columns}
                    rows={rows}
                    rowKey={keyOf}
                    total={first.total}
                    selected={selected ?? keyOf(rows[0] as LedgerItem)}
                    onSelect={setSelected}
                    onEnd={more}
                    autoFocus
                  />
                  {current?.reasons && Object.keys(current.reasons).length > 0 && (
                    <div className="reasons-line">
                      <span className="muted small">{listed(current.minute, lang).slice(0, -3)}</span>
                      {Object.entries(current.reasons).map(([k, n]) => (
                        <span key={k} className="chip">
                          {reasonText(k, t)} <b className="num">{number(n, lang)}</b>
                        </span>
                      ))}
                    </div>
                  )}
                  <Foot shown={rows.length} total={first.total} capped={first.capped} asOf={first.as_of}>
                    <span className="ledger-sum">
                      {t('ledger.sum')}{' '}
                      {figures.map((k) => (
                        <span key={k}>
                          {t(`ledger.${k}`)} <b className="num">{number(first.sum[k], lang)}</b>
                        </span>
                      ))}
                    </span>
                  </Foot>
                </>
              )}
            </>
          )}
        </>
      )}
    </div>
  );
}

function reasonText(key: string, t: (k: string, d: string) => string): string {
  const [what, why = ''] = key.split(':');
  return `${t(`ledger.${what}`, what ?? key)}: ${t(`reasonCode.${why}`, why)}`;
}

/** Minutes that are off or not yet checked, an hour a column. Before the ledger began nothing is known, and that is drawn. */
function HeatMap({ cells, from, to, kept }: { cells: LedgerCell[]; from: number; to: number; kept: number | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const HOUR = 3_600_000;
  const firstHour = Math.floor(from / HOUR) * HOUR;
  const hours = Math.min(48, Math.ceil((to - firstHour) / HOUR));
  const off = cells.filter((c) => c.state === 'off');
  const unchecked = cells.filter((c) => c.state === 'unchecked').length;
  const unmeasured = cells.length - off.length - unchecked;
  return (
    <figure className="heat" aria-label={t('ledger.map', { off: off.length, unchecked, unmeasured })}>
      <svg viewBox={`0 0 ${hours * 62} 34`} preserveAspectRatio="none" role="img" aria-hidden="true">
        <defs>
          <pattern id="heat-stripes" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect className="heat-ground" width="9" height="9" />
            <rect className="heat-stripe" width="3" height="9" />
          </pattern>
        </defs>
        {Array.from({ length: hours }, (_, h) => (
          <rect key={h} className="heat-hour" x={h * 62} y={0} width={60} height={34} />
        ))}
        {kept !== undefined && kept > firstHour && (
          <rect
            fill="url(#heat-stripes)"
            x={0}
            y={0}
            width={Math.min(hours * 62, ((kept - firstHour) / HOUR) * 62)}
            height={34}
          />
        )}
        {cells.map((c) => {
          const v = ms(c.minute) ?? 0;
          const h = Math.floor((v - firstHour) / HOUR);
          const m = Math.floor(((v - firstHour) % HOUR) / 60_000);
          return h >= 0 && h < hours ? (
            <rect
              key={v}
              className={c.state === 'off' ? 'heat-off' : 'heat-unchecked'}
              x={h * 62 + m}
              y={0}
              width={c.state === 'off' ? 2 : 1}
              height={34}
            />
          ) : null;
        })}
      </svg>
      <figcaption>
        <span className="num">{listed(firstHour, lang).slice(0, -3)}</span>
        <span className="legend">
          <span>
            <PostureSign state="not_met" size={11} label={t('ledger.differs')} /> {number(off.length, lang)}
          </span>
          <span>
            <PostureSign state="unknown" size={11} label={t('ledger.unchecked')} /> {number(unchecked, lang)}
          </span>
          <span>
            <PostureSign state="unknown" size={11} label={t('ledger.notMeasured')} /> {number(unmeasured, lang)}
          </span>
          {kept !== undefined && kept > firstHour && (
            <span className="unk-text">
              {t('ledger.before')}: {listed(firstHour, lang).slice(0, -3)} → {listed(kept, lang).slice(0, -3)}
            </span>
          )}
          <span className="muted">{t('ledger.emptyBalanced')}</span>
        </span>
        <span className="num">{listed(to, lang).slice(0, -3)}</span>
      </figcaption>
    </figure>
  );
}

function Quarantine() {
  const { t } = useTranslation();
  const lang = useLang();
  const queries = useQueryClient();
  const [params, change] = useView();
  const may = useMay('quarantine.replay');
  const query = given({ source: params.get('source') ?? '', reason: params.get('reason') ?? '' });
  const { list, rows, first, more } = useCursor<QuarantineItem, QuarantineAnswer>(['quarantine', query], (after) =>
    take(client.GET('/api/quarantine', { params: { query: { ...query, limit: 200, ...(after ? { after } : {}) } as never } })),
  );
  const [selected, setSelected] = useState<string>();
  const columns = useMemo<Column<QuarantineItem>[]>(
    () => [
      { key: 'reason', head: t('ledger.reason'), width: '180px', cell: (r) => t(`reasonCode.${r.reason}`, r.reason) },
      {
        key: 'source',
        head: t('sources.source'),
        width: 'minmax(0,1fr)',
        cell: (r) => <Evidence value={r.source.name || r.source.id} name className="block cut" />,
      },
      {
        key: 'size',
        head: t('ledger.size'),
        width: '90px',
        right: true,
        cell: (r) => <span className="num">{bytes(r.size, lang)}</span>,
      },
      { key: 'time', head: t('column.time'), width: '150px', cell: (r) => <Exact at={r.time} short /> },
    ],
    [t, lang],
  );
  const replay = async () => {
    try {
      const r = await take(client.POST('/api/quarantine/replay', { body: query }));
      toast({ text: t('ledger.replayed', { n: number(r.replayed, lang), held: number(r.held, lang) }) });
      queries.invalidateQueries({ queryKey: ['quarantine'] });
    } catch (e) {
      toast({ kind: 'error', text: problemText(e, t('ledger.notReplayed')) });
    }
  };
  if (list.isPending) return <Loading what="quarantine" />;
  if (!first) return <Failed error={list.error} what="quarantine" retry={() => list.refetch()} />;
  return (
    <>
      <div className="filter">
        {Object.entries(first.reasons).map(([r, n]) => (
          <button
            key={r}
            type="button"
            className="chip"
            aria-pressed={query.reason === r}
            onClick={() => change({ reason: query.reason === r ? undefined : r })}
          >
            {t(`reasonCode.${r}`, r)} <b className="num">{number(n, lang)}</b>
            {query.reason === r ? ' ×' : ''}
          </button>
        ))}
        {query.source && (
          <button type="button" className="chip" onClick={() => change({ source: undefined })}>
            {t('sources.source')}: {query.source} ×
          </button>
        )}
        <div className="end">
          {may && first.total > 0 && <Button onClick={replay}>{t('ledger.replay', { n: number(first.total, lang) })}</Button>}
        </div>
      </div>
      {rows.length === 0 ? (
        <Empty>{t('ledger.noQuarantine')}</Empty>
      ) : (
        <>
          <Grid
            label={t('ledger.view.quarantine')}
            columns={columns}
            rows={rows}
            rowKey={(r) => r.id}
            total={first.total}
            selected={selected ?? rows[0]?.id}
            onSelect={setSelected}
            onEnd={more}
            autoFocus
          />
          <Foot shown={rows.length} total={first.total} capped={first.capped} asOf={first.as_of} />
        </>
      )}
    </>
  );
}
