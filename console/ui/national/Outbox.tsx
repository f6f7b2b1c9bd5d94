import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type PageReportItem, type ReportItem, take } from '../api/client';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { DemoChip } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TakeIn } from '../design/TakeIn';
import { AgeCell } from '../design/Time';
import { given, useCursor } from '../design/useCursor';
import { number } from '../format/number';
import { useView } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { useLang } from '../session/preferences';
import { systemName } from '../systems/name';
import { Message, ReportState } from './Message';
import { FarSide } from './trouble';

export function Outbox({ unset }: { unset: boolean }) {
  const { t } = useTranslation();
  const lang = useLang();
  const [params, change] = useView();
  const query = given({
    state: params.get('state') ?? '',
    kind: params.get('kind') ?? '',
    subject: params.get('subject') ?? '',
    destination: params.get('dest') ?? '',
  });
  const { list, rows, first, more } = useCursor<ReportItem, PageReportItem>(['outbox', query], (after) =>
    take(
      client.GET('/api/national/outbox', { params: { query: { ...query, limit: 100, ...(after ? { after } : {}) } as never } }),
    ),
  );
  const [selected, setSelected] = useState<string | undefined>(params.get('sel') ?? undefined);
  const choose = (id: string | undefined) => {
    setSelected(id);
    change({ sel: id });
  };
  useKeys([{ keys: ['Escape'], label: '', act: () => choose(undefined) }]);
  const columns = useMemo<Column<ReportItem>[]>(
    () => [
      { key: 'state', head: t('column.state'), width: '120px', cell: (r) => <ReportState r={r} /> },
      {
        key: 'order',
        head: t('national.order'),
        width: '66px',
        right: true,
        cell: (r) => <span className="num">{r.order}</span>,
      },
      {
        key: 'what',
        head: t('national.message'),
        width: 'minmax(0,1fr)',
        cell: (r) => (
          <span className="cut block">
            {t(`reportKind.${r.kind}`)} {r.subject && <span className="num">{r.subject}</span>}{' '}
            <DemoChip demo={r.demo} exercise={r.exercise} />
          </span>
        ),
      },
      {
        key: 'system',
        head: t('column.system'),
        width: 'minmax(0,0.7fr)',
        cell: (r) => <span className="cut block">{r.system ? systemName(r.system, t) : '–'}</span>,
      },
      {
        key: 'tries',
        head: t('national.tries'),
        width: '64px',
        right: true,
        cell: (r) => <span className="num">{number(r.tries, lang)}</span>,
      },
      {
        key: 'receipt',
        head: t('national.receipt'),
        width: 'minmax(0,0.7fr)',
        cell: (r) =>
          r.receipt ? (
            <span className="cut block num">
              {r.receipt.digest.slice(0, 8)}…{' '}
              {r.receipt.verified
                ? `✓ ${t('national.signed')}`
                : t(r.receipt.kind === 'transport' ? 'national.transport' : 'national.unverified')}
            </span>
          ) : r.last_error ? (
            <span className="cut block">
              <FarSide text={r.last_error} short />
            </span>
          ) : (
            '–'
          ),
      },
      { key: 'created', head: t('national.created'), width: '104px', cell: (r) => <AgeCell at={r.created} /> },
    ],
    [t, lang],
  );
  return (
    <>
      <div className="filter">
        <select
          className="select small"
          aria-label={t('column.state')}
          value={query.state ?? ''}
          onChange={(e) => change({ state: e.target.value })}
        >
          <option value="">{t('national.anyState')}</option>
          {['waiting', 'accepted', 'refused'].map((s) => (
            <option key={s} value={s}>
              {t(`reportState.${s}`)}
            </option>
          ))}
        </select>
        <select
          className="select small"
          aria-label={t('column.kind')}
          value={query.kind ?? ''}
          onChange={(e) => change({ kind: e.target.value })}
        >
          <option value="">{t('national.anyKind')}</option>
          {['alert', 'alert_update', 'heartbeat', 'reconciliation', 'test'].map((s) => (
            <option key={s} value={s}>
              {t(`reportKind.${s}`)}
            </option>
          ))}
        </select>
        <div className="end">
          <TakeIn topics={['national']} at={list.dataUpdatedAt} onTake={() => list.refetch()} />
        </div>
      </div>
      {list.isPending ? (
        <Loading what="national" />
      ) : !first ? (
        <Failed error={list.error} what="national" retry={() => list.refetch()} />
      ) : rows.length === 0 ? (
        <Empty>
          {unset
            ? t('national.empty')
            : query.state || query.kind
              ? t('state.noMatch', { what: t('noun.national') })
              : t('national.none')}
        </Empty>
      ) : (
        <div className={selected ? 'queue' : 'queue queue-single'}>
          <div className="queue-list">
            <Grid
              label={t('national.tab.outbox')}
              columns={selected ? columns.filter((c) => !['system', 'tries', 'receipt'].includes(c.key)) : columns}
              rows={rows}
              rowKey={(r) => r.id}
              rowHeight={44}
              total={first.total}
              selected={selected}
              onSelect={choose}
              onOpen={(r) => choose(r.id)}
              onEnd={more}
              autoFocus
            />
            <Foot shown={rows.length} total={first.total} capped={first.capped} asOf={first.as_of} />
          </div>
          {selected && <Message id={selected} onClose={() => choose(undefined)} />}
        </div>
      )}
    </>
  );
}
