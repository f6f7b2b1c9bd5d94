import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type LedgerAnswer, type LedgerItem, take } from '../api/client';
import { Foot } from '../design/Foot';
import { Grid } from '../design/Grid';
import { RangeField } from '../design/RangeField';
import { PostureSign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TakeIn } from '../design/TakeIn';
import { given, useCursor } from '../design/useCursor';
import { number } from '../format/number';
import { full, listed, minute, ms } from '../format/time';
import { useRange, useView } from '../frame/url';
import { serverNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { figures, useColumns } from './columns';
import { HeatMap } from './HeatMap';
import { Quarantine } from './Quarantine';

const views = ['minute', 'source', 'off', 'dropped', 'quarantine'] as const;

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
  const columns = useColumns();
  const keyOf = (r: LedgerItem) => `${r.minute}/${r.source.id}`;
  const current = rows.find((r) => keyOf(r) === selected);
  return (
    <div className="page page-fixed">
      <div className="page-head">
        <h1>{t('page.ledger')}</h1>
        {s && <Standing status={s} />}
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
                  {current && <Reasons of={current} />}
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

/** Whether the minutes of the day are reconciled, and how many of them could not be. */
function Standing({ status: s }: { status: NonNullable<LedgerAnswer['status']> }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <>
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
      {s.not_measured > 0 && (
        <span className="chip chip-unk">{t('ledger.notMeasuredDay', { n: number(s.not_measured, lang) })}</span>
      )}
    </>
  );
}

/** Why events of the chosen minute were quarantined, rejected or dropped. */
function Reasons({ of: row }: { of: LedgerItem }) {
  const { t } = useTranslation();
  const lang = useLang();
  const reasons = Object.entries(row.reasons ?? {});
  if (reasons.length === 0) return null;
  return (
    <div className="reasons-line">
      <span className="muted small">{listed(row.minute, lang).slice(0, -3)}</span>
      {reasons.map(([k, n]) => (
        <span key={k} className="chip">
          {reasonText(k, t)} <b className="num">{number(n, lang)}</b>
        </span>
      ))}
    </div>
  );
}

function reasonText(key: string, t: (k: string, d: string) => string): string {
  const [what, why = ''] = key.split(':');
  return `${t(`ledger.${what}`, what ?? key)}: ${t(`reasonCode.${why}`, why)}`;
}
