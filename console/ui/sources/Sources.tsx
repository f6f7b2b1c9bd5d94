import { Button } from 'antd';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type SourceItem, type SourcesAnswer, take } from '../api/client';
import { FilterField } from '../design/FilterField';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { Measured } from '../design/Measured';
import { DemoChip, SourceSign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TakeIn } from '../design/TakeIn';
import { AgeCell } from '../design/Time';
import { toast } from '../design/toast';
import { given, useCursor } from '../design/useCursor';
import { Evidence } from '../evidence/Evidence';
import { number, share } from '../format/number';
import { useView } from '../frame/url';
import { useMedia } from '../frame/useMedia';
import { useKeys } from '../keys/useKeys';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { useMay } from '../session/session';
import { listed } from './counts';
import { inWindow, measured, offset, whyNoRate, whyNoShare } from './measured';
import { Sensors } from './Sensors';
import { SourceForm } from './SourceForm';
import { SourceDetail } from './SourceView';

const states = ['silent', 'garbled', 'thin', 'skewed', 'never', 'receiving'] as const;

export default function Sources() {
  const { t } = useTranslation();
  const lang = useLang();
  const [params, change] = useView();
  const tab = params.get('tab') === 'sensors' ? 'sensors' : 'sources';
  const mayWrite = useMay('sources.write');
  const [adding, setAdding] = useState(false);
  const query = given({
    q: params.get('q') ?? '',
    state: params.get('state') ?? '',
    kind: params.get('kind') ?? '',
    sort: params.get('sort') ?? '',
    system: params.get('system') ?? '',
    demo: params.get('demo') ?? '',
    found: params.get('found') ?? '',
    retired: params.get('retired') ?? '',
  });
  const { list, rows, first, more } = useCursor<SourceItem, SourcesAnswer>(
    ['sources', 'list', query],
    (after) =>
      take(client.GET('/api/sources', { params: { query: { ...query, limit: 100, ...(after ? { after } : {}) } as never } })),
    tab === 'sources',
  );
  const [selected, setSelected] = useState<string | undefined>(params.get('sel') ?? undefined);
  // on the road: what it is, how it is, since when; the rest is a touch away
  const phone = useMedia('(max-width: 700px)');
  const columns = useMemo<Column<SourceItem>[]>(
    () =>
      (
        [
          {
            key: 'state',
            head: t('column.state'),
            width: phone ? '22px' : '126px',
            sort: 'state',
            cell: (s) => <SourceSign state={s.state} word={phone ? 'hidden' : 'shown'} />,
          },
          {
            key: 'name',
            head: t('sources.source'),
            width: 'minmax(0,2fr)',
            sort: 'name',
            cell: (s) => (
              <span className="cell2">
                <span className="cut title">
                  <Evidence value={s.name} name />
                </span>
                <span className="sub cut">
                  <DemoChip demo={s.demo} /> {s.auto && <span className="chip">{t('sources.auto')}</span>}{' '}
                  <span className="num">{s.id}</span> · {s.cause ? say(s.cause.text, lang, t) : t(`sourceKind.${s.kind}`)}
                  {!s.cause && s.address && (
                    <>
                      {' · '}
                      <Evidence value={s.address} />
                    </>
                  )}
                </span>
              </span>
            ),
          },
          {
            key: 'system',
            head: t('column.system'),
            width: 'minmax(0,1fr)',
            cell: (s) => (
              <span className="clamp" title={s.system?.name}>
                {s.system?.name ?? <span className="muted">{t('systems.unassigned')}</span>}
              </span>
            ),
          },
          {
            key: 'rate',
            head: t('sources.rate'),
            width: '176px',
            right: true,
            sort: 'rate',
            cell: (s) => (
              <span className="cell2">
                <Measured known={measured(s) && s.rate !== undefined} why={t(whyNoRate(s))}>
                  <span>
                    <span className="num">{number(s.rate ?? 0, lang, (s.rate ?? 0) < 10 ? 1 : 0)}</span>
                    {t('unit.perMinute')}
                  </span>
                </Measured>
                {s.usual > 0 ? (
                  <span className="sub">{t('sources.usual', { n: number(s.usual, lang, s.usual < 10 ? 1 : 0) })}</span>
                ) : (
                  <span className="sub unk-text">{t('sources.usualUnknown')}</span>
                )}
              </span>
            ),
          },
          {
            key: 'unparsed',
            head: t('sources.unparsed'),
            width: '76px',
            right: true,
            sort: 'unparsed',
            cell: (s) => (
              <Measured known={inWindow(s)} why={t(whyNoShare(s))}>
                <span className={`num${s.unparsed > 0.05 ? ' warn-text' : ''}`}>{share(s.unparsed, lang)}</span>
              </Measured>
            ),
          },
          {
            key: 'offset',
            head: t('sources.offset'),
            width: '70px',
            right: true,
            sort: 'offset',
            cell: (s) => (
              <Measured known={s.offset_ms !== undefined} why={t(measured(s) ? 'sources.clockUnknown' : 'sources.neverMeasured')}>
                <span className={`num${Math.abs(s.offset_ms ?? 0) > 5000 ? ' warn-text' : ''}`}>
                  {offset(s.offset_ms ?? 0, lang)}
                </span>
              </Measured>
            ),
          },
          { key: 'last', head: t('column.last'), width: '104px', sort: 'last', cell: (s) => <AgeCell at={s.last_event} /> },
        ] satisfies Column<SourceItem>[]
      ).filter((c) => !phone || ['state', 'name', 'last'].includes(c.key)),
    [t, lang, phone],
  );
  const filter = useRef<HTMLInputElement>(null);
  useKeys([
    { keys: ['/'], label: 'filter', act: () => filter.current?.focus() },
    { keys: ['Escape'], label: '', act: () => choose(undefined) },
  ]);
  const choose = (id: string | undefined) => {
    setSelected(id);
    change({ sel: id });
  };
  const c = first?.counts;
  return (
    <div className="page page-fixed">
      <div className="page-head">
        <h1>{t('page.sources')}</h1>
        {c && (
          <span className="muted small">
            {c.total === 0
              ? t('status.noSources')
              : t('sources.line', { n: number(c.receiving, lang), m: number(c.total, lang) })}
            {c.silent > 0 && `, ${t('bell.silent', { count: c.silent, n: number(c.silent, lang) })}`}
            {c.samples.total > 0 && ` (${t('sources.plusSamples', { n: number(c.samples.total, lang) })})`}
          </span>
        )}
        <div className="end">
          {mayWrite && tab === 'sources' && <Button onClick={() => setAdding(true)}>{t('sources.add')}</Button>}
        </div>
      </div>
      <div className="tabs" role="tablist" aria-label={t('page.sources')}>
        <button type="button" role="tab" aria-selected={tab === 'sources'} onClick={() => change({ tab: undefined }, true)}>
          {t('sources.tab.sources')}
          {c && <span className="num">{number(listed(c, query.demo, 'total'), lang)}</span>}
        </button>
        <button type="button" role="tab" aria-selected={tab === 'sensors'} onClick={() => change({ tab: 'sensors' }, true)}>
          {t('sources.tab.sensors')}
        </button>
      </div>
      {tab === 'sensors' ? (
        <Sensors />
      ) : (
        <>
          <div className="filter">
            <FilterField
              ref={filter}
              value={params.get('q') ?? ''}
              onChange={(q) => change({ q })}
              placeholder={t('sources.filter')}
            />
            <select
              className="select small"
              aria-label={t('column.state')}
              value={query.state ?? ''}
              onChange={(e) => change({ state: e.target.value, sel: undefined })}
            >
              <option value="">{t('sources.anyState')}</option>
              {states.map((s) => (
                <option key={s} value={s}>
                  {t(`sourceState.${s}`)}
                  {c ? ` (${number(listed(c, query.demo, s), lang)})` : ''}
                </option>
              ))}
            </select>
            <select
              className="select small"
              aria-label={t('column.kind')}
              value={query.kind ?? ''}
              onChange={(e) => change({ kind: e.target.value })}
            >
              <option value="">{t('sources.anyKind')}</option>
              {['syslog', 'bulk', 'import', 'sensor', 'self'].map((k) => (
                <option key={k} value={k}>
                  {t(`sourceKind.${k}`)}
                </option>
              ))}
            </select>
            <select
              className="select small"
              aria-label={t('sources.which')}
              value={query.found ? 'found' : query.retired ? 'retired' : query.system === '_unassigned' ? 'unassigned' : ''}
              onChange={(e) =>
                change({
                  found: e.target.value === 'found' ? 'true' : undefined,
                  retired: e.target.value === 'retired' ? 'true' : undefined,
                  system: e.target.value === 'unassigned' ? '_unassigned' : undefined,
                  sel: undefined,
                })
              }
            >
              <option value="">{t('sources.inUse')}</option>
              <option value="found">{t('sources.found')}</option>
              <option value="unassigned">{t('systems.unassigned')}</option>
              <option value="retired">{t('systems.view.retired')}</option>
            </select>
            {((c?.samples.total ?? 0) > 0 || query.demo) && (
              <select
                className="select small"
                aria-label={t('sources.samples')}
                value={query.demo ?? ''}
                onChange={(e) => change({ demo: e.target.value, sel: undefined })}
              >
                <option value="">{t('sources.withSamples')}</option>
                <option value="no">{t('sources.noSamples')}</option>
                <option value="only">{t('sources.onlySamples')}</option>
              </select>
            )}
            <div className="end">
              <TakeIn topics={['source']} at={list.dataUpdatedAt} onTake={() => list.refetch()} />
            </div>
          </div>
          {list.isPending ? (
            <Loading what="sources" />
          ) : !first ? (
            <Failed error={list.error} what="sources" retry={() => list.refetch()} />
          ) : rows.length === 0 ? (
            query.q || query.state || query.kind || query.system || query.demo ? (
              <Empty
                actions={
                  <Button onClick={() => change({ q: '', state: '', kind: '', system: '', demo: '' })}>{t('act.clear')}</Button>
                }
              >
                {t('state.noMatch', { what: t('noun.sources') })}
              </Empty>
            ) : (
              <Empty>{t('sources.empty')}</Empty>
            )
          ) : (
            <div className={selected ? 'queue' : 'queue queue-single'}>
              <div className="queue-list">
                <Grid
                  label={t('sources.tab.sources')}
                  columns={selected ? columns.filter((x) => !['kind', 'unparsed', 'offset', 'system'].includes(x.key)) : columns}
                  rows={rows}
                  rowKey={(s) => s.id}
                  rowHeight={phone ? 76 : 48}
                  total={first.total}
                  selected={selected}
                  onSelect={choose}
                  sort={query.sort ?? ''}
                  onSort={(s) => change({ sort: s })}
                  onEnd={more}
                  onOpen={(s) => choose(s.id)}
                  onCopy={(s) =>
                    navigator.clipboard
                      .writeText(`${location.origin}/sources?sel=${s.id}`)
                      .then(() => toast({ text: t('act.copied') }))
                  }
                  autoFocus
                />
                <Foot shown={rows.length} total={first.total} asOf={first.as_of} />
              </div>
              {selected && <SourceDetail id={selected} onClose={() => choose(undefined)} onChanged={() => list.refetch()} />}
            </div>
          )}
        </>
      )}
      {adding && <SourceForm onClose={() => setAdding(false)} onDone={() => list.refetch()} />}
    </div>
  );
}
