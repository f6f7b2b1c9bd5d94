import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { client, type RuleItem, type RulesAnswer, take } from '../api/client';
import { FilterField } from '../design/FilterField';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { SeveritySign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TakeIn } from '../design/TakeIn';
import { given, useCursor } from '../design/useCursor';
import { Evidence } from '../evidence/Evidence';
import { Said } from '../evidence/Said';
import { number } from '../format/number';
import { useView } from '../frame/url';
import { useMedia } from '../frame/useMedia';
import { useKeys } from '../keys/useKeys';
import { useLang } from '../session/preferences';
import { logsourceOf } from './logsource';
import { RuleSign } from './RuleSign';

export default function Rules() {
  const { t } = useTranslation();
  const lang = useLang();
  const navigate = useNavigate();
  const [params, change] = useView();
  const state = params.get('state') ?? '';
  const query = given({
    q: params.get('q') ?? '',
    state,
    sev: params.get('sev') ?? '',
    origin: params.get('origin') ?? '',
    attack: params.get('attack') ?? '',
    sort: params.get('sort') ?? '',
  });
  const { list, rows, first, more } = useCursor<RuleItem, RulesAnswer>(['rules', query], (after) =>
    take(client.GET('/api/rules', { params: { query: { ...query, limit: 200, ...(after ? { after } : {}) } as never } })),
  );
  const [selected, setSelected] = useState<string | undefined>(params.get('sel') ?? undefined);
  const keyOf = (r: RuleItem) => r.id || r.file;
  // on the road: what it is, how it is, how bad; the rest is a touch away
  const phone = useMedia('(max-width: 700px)');
  const columns = useMemo<Column<RuleItem>[]>(
    () =>
      (
        [
          {
            key: 'state',
            head: t('column.state'),
            width: phone ? '22px' : '120px',
            cell: (r) => <RuleSign rule={r} word={phone ? 'hidden' : 'shown'} />,
          },
          {
            key: 'title',
            head: t('rules.title'),
            width: 'minmax(0,1.8fr)',
            sort: 'title',
            cell: (r) => (
              <span className="cell2">
                <span className="cut strong title">
                  <Said text={r.title} fallback={r.file} />
                </span>
                <span className="sub cut">
                  {r.reason ? (
                    <span className="danger-text">
                      <Said text={r.reason} />
                    </span>
                  ) : (
                    <Evidence value={r.file} />
                  )}
                </span>
              </span>
            ),
          },
          {
            key: 'severity',
            head: t('column.severity'),
            width: phone ? '40px' : '124px',
            sort: 'severity',
            cell: (r) => <SeveritySign level={r.severity} word={phone ? 'hidden' : 'shown'} />,
          },
          {
            key: 'attack',
            head: 'ATT&CK',
            width: '84px',
            cell: (r) => (
              <span className="num clamp" title={r.attack.join(', ')}>
                {r.attack.join(', ') || '–'}
              </span>
            ),
          },
          {
            key: 'logsource',
            head: t('rules.logsource'),
            width: '220px',
            cell: (r) => <Evidence value={logsourceOf(r.logsource)} className="clamp ev-wrap" />,
          },
          { key: 'origin', head: t('rules.origin'), width: '72px', cell: (r) => r.origin },
          {
            key: 'alerts',
            head: t('rules.alerts'),
            width: '118px',
            right: true,
            sort: 'alerts',
            cell: (r) => <span className="num">{number(r.alerts_30d, lang)}</span>,
          },
        ] satisfies Column<RuleItem>[]
      ).filter((c) => !phone || ['state', 'title', 'severity'].includes(c.key)),
    [t, lang, phone],
  );
  const filter = useRef<HTMLInputElement>(null);
  useKeys([{ keys: ['/'], label: 'filter', act: () => filter.current?.focus() }]);
  const open = (r: RuleItem) => {
    if (r.id) navigate(`/rules/${encodeURIComponent(r.id)}`);
  };
  return (
    <div className="page page-fixed">
      <div className="page-head">
        <h1>{t('page.rules')}</h1>
        {first && (
          <span className="muted small">
            {t('rules.line', {
              n: number(first.running, lang),
              f: number(first.fed, lang),
              u: number(first.unfed, lang),
              x: number(first.untold, lang),
              k: number(first.refused, lang),
            })}
          </span>
        )}
      </div>
      <div className="tabs" role="tablist" aria-label={t('page.rules')}>
        {['', 'running', 'unfed', 'refused'].map((s) => (
          <button key={s} type="button" role="tab" aria-selected={s === state} onClick={() => change({ state: s }, true)}>
            {s ? t(`ruleState.${s}`) : t('view.all')}
            {first && (
              <span className="num">
                {number(s === 'running' || s === 'unfed' || s === 'refused' ? first[s] : first.running + first.refused, lang)}
              </span>
            )}
          </button>
        ))}
      </div>
      <div className="filter">
        <FilterField ref={filter} value={params.get('q') ?? ''} onChange={(q) => change({ q })} placeholder={t('rules.filter')} />
        <select
          className="select small"
          aria-label={t('column.severity')}
          value={query.sev ?? ''}
          onChange={(e) => change({ sev: e.target.value })}
        >
          <option value="">{t('alerts.anySeverity')}</option>
          {['critical', 'high', 'medium', 'low', 'informational'].map((s) => (
            <option key={s} value={s}>
              {t(`severity.${s}`)}
            </option>
          ))}
        </select>
        <div className="end">
          <TakeIn topics={['rule']} at={list.dataUpdatedAt} onTake={() => list.refetch()} />
        </div>
      </div>
      {list.isPending ? (
        <Loading what="rules" />
      ) : !first ? (
        <Failed error={list.error} what="rules" retry={() => list.refetch()} />
      ) : rows.length === 0 ? (
        <Empty>{t('rules.none', { n: number(first.running, lang), k: number(first.refused, lang) })}</Empty>
      ) : (
        <>
          <Grid
            label={t('page.rules')}
            columns={columns}
            rows={rows}
            rowKey={keyOf}
            rowHeight={phone ? 76 : 48}
            total={first.total}
            selected={selected ?? keyOf(rows[0] as RuleItem)}
            onSelect={setSelected}
            onOpen={open}
            pressOpens={phone}
            sort={query.sort ?? ''}
            onSort={(s) => change({ sort: s })}
            onEnd={more}
            autoFocus
          />
          <Foot shown={rows.length} total={first.total} capped={first.capped} asOf={first.as_of} />
        </>
      )}
    </div>
  );
}
