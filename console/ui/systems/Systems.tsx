import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { client, type SystemItem, type SystemsAnswer, take } from '../api/client';
import { FilterField } from '../design/FilterField';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { CountedSign, DemoChip, PostureSign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TakeIn } from '../design/TakeIn';
import { AgeCell } from '../design/Time';
import { toast } from '../design/toast';
import { given, useCursor } from '../design/useCursor';
import { number } from '../format/number';
import { useView } from '../frame/url';
import { useMedia } from '../frame/useMedia';
import { useKeys } from '../keys/useKeys';
import { useLang } from '../session/preferences';
import { pageRight, useMay, useMe } from '../session/session';
import { CountsBar, LayerBars } from './bars';
import { Deadlines } from './Deadlines';
import { SystemForm } from './SystemForm';

const views = ['all', 'level3', 'unknown', 'internet', 'soon', 'retired'] as const;

export default function Systems() {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const navigate = useNavigate();
  const [params, change] = useView();
  const view = params.get('view') ?? 'all';
  const mayWrite = useMay('inventory.write');
  const [adding, setAdding] = useState(false);
  const query = given({
    view,
    q: params.get('q') ?? '',
    sort: params.get('sort') ?? '',
    placement: params.get('placement') ?? '',
    state: params.get('state') ?? '',
  });
  const { list, rows, first, more } = useCursor<SystemItem, SystemsAnswer>(['systems', 'list', query], (after) =>
    take(client.GET('/api/systems', { params: { query: { ...query, limit: 100, ...(after ? { after } : {}) } as never } })),
  );
  const [selected, setSelected] = useState<string | undefined>(params.get('sel') ?? undefined);
  // on the road: what it is, how it is, since when; the rest is a touch away
  const phone = useMedia('(max-width: 700px)');
  const columns = useMemo<Column<SystemItem>[]>(
    () =>
      (
        [
          {
            key: 'state',
            head: t('column.state'),
            width: phone ? '22px' : '104px',
            sort: 'state',
            cell: (s) => <PostureSign state={s.state} word={phone ? 'hidden' : 'shown'} />,
          },
          {
            key: 'name',
            head: t('column.system'),
            width: 'minmax(0,1.6fr)',
            sort: 'name',
            cell: (s) => (
              <span className="cell2">
                <span className="cut strong title">{s.name}</span>
                <span className="sub cut">
                  <DemoChip demo={s.demo} /> <span className="num">{s.id}</span> · {s.unit?.name ?? t('systems.noUnit')}
                </span>
              </span>
            ),
          },
          {
            key: 'level',
            head: t('systems.level'),
            width: '122px',
            sort: 'level',
            cell: (s) => (
              <span className="cell2">
                <span>{s.level > 0 ? t('levelShort', { n: s.level }) : t('systems.noLevel')}</span>
                <span className="sub cut">{s.dossier ? t(`dossier.${s.dossier}`) : '–'}</span>
              </span>
            ),
          },
          {
            key: 'layers',
            head: t('systems.layers'),
            width: '76px',
            cell: (s) => (s.layers.length > 0 ? <LayerBars layers={s.layers} /> : <PostureSign state="unknown" word="hidden" />),
          },
          {
            key: 'controls',
            head: t('systems.unknownShare'),
            width: 'minmax(110px,0.9fr)',
            sort: 'unknown',
            cell: (s) =>
              s.controls ? (
                <span className="cell2">
                  <CountsBar counts={s.controls} />
                  <span className="sub">
                    {t('systems.metOf', {
                      n: number(s.controls.met, lang),
                      all: number(s.controls.met + s.controls.not_met + s.controls.unknown, lang),
                    })}
                  </span>
                </span>
              ) : (
                <span className="chip chip-unk">{t('state.notKnown')}</span>
              ),
          },
          {
            key: 'alerts',
            head: t('systems.alerts'),
            width: '66px',
            right: true,
            cell: (s) => <span className="num">{s.open_alerts === undefined ? '–' : number(s.open_alerts, lang)}</span>,
          },
          {
            key: 'transition',
            head: t('systems.transition'),
            width: '104px',
            right: true,
            sort: 'transition',
            cell: (s) =>
              s.transition ? (
                <span className={`num${s.transition.days < 60 ? ' warn-text' : ''}`}>
                  {t('unit.days', { count: s.transition.days })}
                </span>
              ) : (
                '–'
              ),
          },
          {
            key: 'telemetry',
            head: t('systems.telemetry'),
            width: '104px',
            sort: 'telemetry',
            cell: (s) =>
              s.telemetry_at ? (
                <AgeCell at={s.telemetry_at} />
              ) : (
                <span className="chip chip-unk">{t('systems.noTelemetry')}</span>
              ),
          },
        ] satisfies Column<SystemItem>[]
      ).filter((c) => !phone || ['state', 'name', 'telemetry'].includes(c.key)),
    [t, lang, phone],
  );
  const filter = useRef<HTMLInputElement>(null);
  useKeys([{ keys: ['/'], label: 'filter', act: () => filter.current?.focus() }]);
  const sum = first?.sum;
  const total = sum ? sum.met + sum.not_met + sum.unknown + sum.not_applicable : 0;
  return (
    <div className="page page-fixed">
      <div className="page-head">
        <h1>{t('page.systems')}</h1>
        {first && <span className="muted small">{t('systems.count', { count: first.total })}</span>}
        <div className="end">{mayWrite && <Button onClick={() => setAdding(true)}>{t('systems.add')}</Button>}</div>
      </div>
      <div className="tabs" role="tablist" aria-label={t('alerts.views')}>
        {views.map((v) => (
          <button
            key={v}
            type="button"
            role="tab"
            aria-selected={v === view}
            onClick={() => change({ view: v === 'all' ? undefined : v }, true)}
          >
            {t(`systems.view.${v}`)}
            {first?.views[v] !== undefined && <span className="num">{number(first.views[v], lang)}</span>}
          </button>
        ))}
      </div>
      <div className="filter">
        <FilterField ref={filter} value={query.q ?? ''} onChange={(q) => change({ q })} placeholder={t('systems.filter')} />
        <select
          className="select small"
          aria-label={t('systems.placement')}
          value={query.placement ?? ''}
          onChange={(e) => change({ placement: e.target.value })}
        >
          <option value="">{t('systems.anyPlacement')}</option>
          {['data_centre', 'cloud', 'internet'].map((p) => (
            <option key={p} value={p}>
              {t(`placement.${p}`)}
            </option>
          ))}
        </select>
        <select
          className="select small"
          aria-label={t('column.state')}
          value={query.state ?? ''}
          onChange={(e) => change({ state: e.target.value })}
        >
          <option value="">{t('systems.anyState')}</option>
          {['not_met', 'unknown', 'met'].map((p) => (
            <option key={p} value={p}>
              {t(`posture.${p}`)}
            </option>
          ))}
        </select>
        <div className="end">
          <TakeIn topics={['posture', 'system']} at={list.dataUpdatedAt} onTake={() => list.refetch()} />
        </div>
      </div>
      {list.isPending ? (
        <Loading what="systems" />
      ) : !first ? (
        <Failed error={list.error} what="systems" retry={() => list.refetch()} />
      ) : rows.length === 0 ? (
        query.q || query.placement || query.state || view !== 'all' ? (
          <Empty
            actions={<Button onClick={() => change({ q: '', placement: '', state: '', view: '' })}>{t('act.clear')}</Button>}
          >
            {t('state.noMatch', { what: t('noun.systems') })}
          </Empty>
        ) : (
          <Empty>{pageRight(me, 'systems') === 'own' ? t('systems.emptyOwner') : t('systems.empty')}</Empty>
        )
      ) : (
        <>
          <Grid
            label={t('page.systems')}
            columns={columns}
            rows={rows}
            rowKey={(s) => s.id}
            rowHeight={phone ? 76 : 48}
            total={first.total}
            selected={selected ?? rows[0]?.id}
            onSelect={setSelected}
            onOpen={(s) => navigate(`/systems/${s.id}`)}
            pressOpens={phone}
            sort={query.sort ?? ''}
            onSort={(s) => change({ sort: s })}
            onEnd={more}
            onCopy={(s) =>
              navigator.clipboard.writeText(`${location.origin}/systems/${s.id}`).then(() => toast({ text: t('act.copied') }))
            }
            autoFocus
          />
          <Foot shown={rows.length} total={first.total}>
            {sum && total > 0 && (
              <span className="legend">
                {(['met', 'not_met', 'unknown', 'not_applicable'] as const).map((k) => (
                  <CountedSign key={k} state={k} n={sum[k]}>
                    <span className="num">{number(sum[k], lang)}</span>
                  </CountedSign>
                ))}
              </span>
            )}
            {!phone && <Deadlines systems={rows} />}
          </Foot>
        </>
      )}
      {adding && <SystemForm onClose={() => setAdding(false)} onDone={(id) => navigate(`/systems/${id}`)} />}
    </div>
  );
}

export function useUnits() {
  return useQuery({ queryKey: ['units'], queryFn: () => take(client.GET('/api/units')), staleTime: 300_000 });
}
