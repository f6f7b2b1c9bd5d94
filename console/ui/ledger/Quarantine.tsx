import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type QuarantineAnswer, type QuarantineItem, take } from '../api/client';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { Empty, Failed, Loading, problemText } from '../design/states';
import { Exact } from '../design/Time';
import { toast } from '../design/toast';
import { given, useCursor } from '../design/useCursor';
import { Evidence } from '../evidence/Evidence';
import { bytes, number } from '../format/number';
import { useView } from '../frame/url';
import { useLang } from '../session/preferences';
import { useMay } from '../session/session';

/** Frames that could not be taken in as events, by reason, and the way to try them again. */
export function Quarantine() {
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
