import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { say } from '../alerts/parts';
import { client, type SourceItem, type SourcesAnswer, take } from '../api/client';
import { FilterField } from '../design/FilterField';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { Icon } from '../design/icons';
import { Measured } from '../design/Measured';
import { MiniBars } from '../design/MiniBars';
import { DemoChip, PostureSign, SourceSign } from '../design/signs';
import { Empty, Failed, Loading, problemText } from '../design/states';
import { Pre, TableWrap } from '../design/TableWrap';
import { TakeIn } from '../design/TakeIn';
import { Age, AgeCell, Exact } from '../design/Time';
import { toast } from '../design/toast';
import { given, useCursor } from '../design/useCursor';
import { Evidence } from '../evidence/Evidence';
import { number, share } from '../format/number';
import { date, ms, span } from '../format/time';
import { Overlay } from '../frame/Overlay';
import { useView } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { useNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { pageRight, useMay, useMe } from '../session/session';
import { Keeping } from '../systems/Keeping';
import { listed } from './counts';
import { Keys } from './Keys';

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
  const columns = useMemo<Column<SourceItem>[]>(
    () => [
      { key: 'state', head: t('column.state'), width: '126px', sort: 'state', cell: (s) => <SourceSign state={s.state} /> },
      {
        key: 'name',
        head: t('sources.source'),
        width: 'minmax(0,1.4fr)',
        sort: 'name',
        cell: (s) => (
          <span className="cell2">
            <span className="cut">
              <Evidence value={s.name} name /> <DemoChip demo={s.demo} />{' '}
              {s.auto && <span className="chip">{t('sources.auto')}</span>}
            </span>
            <span className="sub cut">
              <span className="num">{s.id}</span> {s.cause ? `· ${say(s.cause.text, lang, t)}` : s.address ? '· ' : ''}
              {!s.cause && s.address && <Evidence value={s.address} />}
            </span>
          </span>
        ),
      },
      {
        key: 'system',
        head: t('column.system'),
        width: 'minmax(0,1fr)',
        cell: (s) => (
          <span className="cut block">{s.system?.name ?? <span className="muted">{t('systems.unassigned')}</span>}</span>
        ),
      },
      { key: 'kind', head: t('column.kind'), width: '78px', cell: (s) => t(`sourceKind.${s.kind}`) },
      {
        key: 'rate',
        head: t('sources.rate'),
        width: '104px',
        right: true,
        sort: 'rate',
        cell: (s) => (
          <span className="cell2">
            <Measured known={measured(s)} why={t('sources.neverMeasured')}>
              <span>
                <span className="num">{number(s.rate, lang, s.rate < 10 ? 1 : 0)}</span>
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
          <Measured known={inWindow(s)} why={t(measured(s) ? 'sources.noneInWindow' : 'sources.neverMeasured')}>
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
          <Measured known={inWindow(s)} why={t(measured(s) ? 'sources.noneInWindow' : 'sources.neverMeasured')}>
            <span className={`num${Math.abs(s.offset_ms) > 5000 ? ' warn-text' : ''}`}>{offset(s.offset_ms, lang)}</span>
          </Measured>
        ),
      },
      { key: 'last', head: t('column.last'), width: '104px', sort: 'last', cell: (s) => <AgeCell at={s.last_event} /> },
    ],
    [t, lang],
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
            {t('sources.line', { n: number(c.receiving, lang), m: number(c.total, lang) })}
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
                  rowHeight={48}
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

/** The name by which a sender can reach this machine, where the address of this page tells it; never the sender's own loopback. */
const seenAs = /^(?:localhost|127\.|\[?::1)/.test(location.hostname) ? undefined : location.hostname;

/** Has anything arrived that the figures of a source can be of? */
const measured = (s: SourceItem) => Boolean(s.last_event) && s.state !== 'never' && s.state !== 'unknown';

/** Shares and offsets are of the events of the last look: where none came, there is nothing that they are of. */
const inWindow = (s: SourceItem) => measured(s) && s.rate > 0;

function offset(v: number, lang: 'vi' | 'en'): string {
  return Math.abs(v) < 1000 ? `${number(v, lang)} ms` : `${v < 0 ? '−' : ''}${span(Math.abs(v), lang)}`;
}

function SourceDetail({ id, onClose, onChanged }: { id: string; onClose: () => void; onChanged: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const me = useMe();
  const detail = useQuery({
    queryKey: ['source', id],
    queryFn: () => take(client.GET('/api/sources/{id}', { params: { path: { id } } })),
  });
  const mayDelete = useMay('sources.delete');
  const [keeping, setKeeping] = useState(false);
  const [stopping, setStopping] = useState(false);
  const [editing, setEditing] = useState(false);
  const s = detail.data;
  const may = s?.deeds.some((d) => d === 'sources.write' || d === 'write' || d === 'change' || d === 'stop');
  const bars = (s?.minutes ?? []).filter((m) => m.known).map((m) => ({ at: ms(m.start) ?? 0, n: m.received }));
  const starts = (s?.minutes ?? []).map((m) => ms(m.start) ?? 0);
  const from = starts[0] ?? now - 86_400_000;
  const to = (starts.at(-1) ?? now) + 600_000;
  const gaps = (s?.minutes ?? [])
    .filter((m) => !m.known)
    .map((m): [number, number] => [ms(m.start) ?? 0, (ms(m.start) ?? 0) + 600_000]);
  return (
    <aside className="preview" aria-label={t('sources.detail')}>
      <div className="card-head preview-head">
        <span className="num muted">{id}</span>
        {s && <SourceSign state={s.state} />}
        <DemoChip demo={s?.demo} />
        <button type="button" className="top-button end" onClick={onClose} aria-label={t('act.back')}>
          <Icon name="close" size={14} />
        </button>
      </div>
      <div className="preview-in">
        {detail.isPending && <Loading what="source" rows={6} />}
        {detail.isError && <Failed error={detail.error} what="source" id={id} retry={() => detail.refetch()} />}
        {s && (
          <>
            <h2 className="preview-title">
              <Evidence value={s.name} name />
            </h2>
            {s.state !== 'receiving' && s.since && (
              <p className={`banner ${s.state === 'silent' || s.state === 'unknown' ? 'banner-unk' : 'banner-warn'}`}>
                {t(`sourceState.${s.state}`)} {span(now - (ms(s.since) ?? now), lang)}:{' '}
                {s.cause ? say(s.cause.text, lang, t) : t('sources.noCause')}
              </p>
            )}
            {s.stopped_until && (
              <p className="banner banner-info">
                {t('sources.stopped')} <Exact at={s.stopped_until} />
              </p>
            )}
            <dl className="facts">
              <dt>{t('column.system')}</dt>
              <dd>
                {s.system ? (
                  pageRight(me, 'systems') !== undefined ? (
                    <Link to={`/systems/${s.system.id}`}>{s.system.name}</Link>
                  ) : (
                    s.system.name
                  )
                ) : (
                  t('systems.unassigned')
                )}
              </dd>
              <dt>{t('column.kind')}</dt>
              <dd>
                {t(`sourceKind.${s.kind}`)} {s.dataset && <Evidence value={s.dataset} />}
              </dd>
              {s.address && (
                <>
                  <dt>{t('field.address')}</dt>
                  <dd>
                    <Evidence value={s.address} />
                  </dd>
                </>
              )}
              <dt>{t('systems.layersOf')}</dt>
              <dd>{s.layers.length > 0 ? s.layers.map((l) => t(`layer.${l}`)).join(', ') : '–'}</dd>
              <dt>{t('sources.lastEvent')}</dt>
              <dd>
                {s.last_event ? (
                  <>
                    <Age at={s.last_event} /> · <Exact at={s.last_event} />
                  </>
                ) : (
                  t('sourceState.never')
                )}
              </dd>
              <dt>{t('sources.rate')}</dt>
              <dd>
                <Measured known={measured(s)} why={t('sources.neverMeasured')}>
                  <span className="num">{number(s.rate, lang)}</span>
                  {t('unit.perMinute')}
                </Measured>
                , {s.usual > 0 ? t('sources.usual', { n: number(s.usual, lang) }) : t('sources.usualUnknown')}
              </dd>
              <dt>{t('sources.unparsed')}</dt>
              <dd>
                <Measured known={inWindow(s)} why={t(measured(s) ? 'sources.noneInWindow' : 'sources.neverMeasured')}>
                  <span className="num">{share(s.unparsed, lang)}</span>
                </Measured>
              </dd>
              <dt>{t('sources.offset')}</dt>
              <dd>
                <Measured known={inWindow(s)} why={t(measured(s) ? 'sources.noneInWindow' : 'sources.neverMeasured')}>
                  <span className="num">{offset(s.offset_ms, lang)}</span>
                </Measured>
              </dd>
              <dt>{t('sources.total')}</dt>
              <dd className="num">{number(s.total, lang)}</dd>
            </dl>
            <section>
              <h3>{t('sources.day')}</h3>
              <MiniBars from={from} to={to} step={600_000} bars={bars} gaps={gaps} label={t('sources.dayLabel')} height={56} />
            </section>
            {s.last_raw_error && (
              <section>
                <h3>{t('sources.lastRaw')}</h3>
                <p>{s.last_raw_error}</p>
              </section>
            )}
            {s.last_raw && (
              <section>
                <h3>{t('sources.lastRaw')}</h3>
                <Pre label={t('sources.lastRaw')}>
                  <Evidence value={s.last_raw} mode="detail" />
                </Pre>
              </section>
            )}
            <Keys
              source={s}
              onChanged={() => {
                detail.refetch();
                onChanged();
              }}
            />
            {s.controls.length > 0 && (
              <section>
                <h3>{t('sources.controls', { count: s.controls.length })}</h3>
                <ul className="small">
                  {s.controls.slice(0, 12).map((k) => (
                    <li key={k.id} className="cut">
                      <span className="num">{k.id}</span> {k.name}
                    </li>
                  ))}
                </ul>
                {s.controls.length > 12 && (
                  <p className="muted small">{t('sources.moreControls', { n: s.controls.length - 12 })}</p>
                )}
              </section>
            )}
          </>
        )}
      </div>
      {s && may && s.kind !== 'self' && (
        <div className="actions-bar">
          <Button onClick={() => setStopping(true)}>{t('sources.stop')}</Button>
          <Button onClick={() => setEditing(true)}>{s.auto ? t('sources.confirm') : t('sources.edit')}</Button>
          {mayDelete && <Button onClick={() => setKeeping(true)}>{t(s.retired ? 'keeping.openBack' : 'keeping.open')}</Button>}
        </div>
      )}
      {s && keeping && (
        <Keeping
          thing={{ kind: 'sources', id: s.id, name: s.name, version: s.version, retired: s.retired }}
          onClose={() => setKeeping(false)}
          onDone={(gone) => {
            onChanged();
            if (gone) onClose();
            else detail.refetch();
          }}
        />
      )}
      {s && stopping && (
        <StopSheet
          source={s}
          onClose={() => setStopping(false)}
          onDone={() => {
            detail.refetch();
            onChanged();
          }}
        />
      )}
      {s && editing && (
        <SourceForm
          source={s}
          onClose={() => setEditing(false)}
          onDone={() => {
            detail.refetch();
            onChanged();
          }}
        />
      )}
    </aside>
  );
}

function StopSheet({ source, onClose, onDone }: { source: SourceItem; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [hours, setHours] = useState('4');
  const [reason, setReason] = useState('');
  const [error, setError] = useState('');
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    try {
      await take(
        client.PUT('/api/sources/{id}/stop', {
          params: { path: { id: source.id } },
          body: {
            until: new Date(Date.now() + Number(hours) * 3600_000).toISOString(),
            reason: reason.trim(),
            version: source.version,
          },
        }),
      );
      toast({ text: t('sources.didStop') });
      onDone();
      onClose();
    } catch (x) {
      setError(problemText(x, t('sources.notSaved')));
    }
  };
  return (
    <Overlay title={`${t('sources.stop')} ${source.id}`} onClose={onClose} width={440}>
      <form className="overlay-body form" onSubmit={submit}>
        <p>{t('sources.stopHint')}</p>
        <div>
          <label htmlFor="stop-hours">{t('sources.stopFor')}</label>
          <select id="stop-hours" className="select" value={hours} onChange={(e) => setHours(e.target.value)}>
            {[1, 4, 12, 24, 72, 168].map((h) => (
              <option key={h} value={h}>
                {h < 24 ? t('sources.hours', { count: h }) : t('unit.days', { count: h / 24 })}
              </option>
            ))}
          </select>
        </div>
        <div>
          <label htmlFor="stop-reason">{t('sources.reason')}</label>
          <Input id="stop-reason" value={reason} onChange={(e) => setReason(e.target.value)} required maxLength={400} autoFocus />
        </div>
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div className="row">
          <Button type="primary" htmlType="submit" disabled={!reason.trim()}>
            {t('sources.stopNow')}
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </form>
    </Overlay>
  );
}

function SourceForm({ source, onClose, onDone }: { source?: SourceItem; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const systems = useQuery({
    queryKey: ['systems', 'names'],
    queryFn: () => take(client.GET('/api/systems', { params: { query: { limit: 500 } } })),
    staleTime: 300_000,
  });
  const [f, setF] = useState({
    name: source?.name ?? '',
    kind: source?.kind ?? 'syslog',
    system: source?.system?.id ?? '',
    address: source?.address ?? '',
    host: source?.host ?? '',
    dataset: source?.dataset ?? '',
  });
  const [layers, setLayers] = useState<string[]>(source?.layers ?? []);
  const [error, setError] = useState('');
  const set = (k: keyof typeof f) => (e: { target: { value: string } }) => setF({ ...f, [k]: e.target.value });
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    const body = { ...given(f), layers, version: source?.version ?? 0 } as never;
    try {
      if (source) await take(client.PUT('/api/sources/{id}', { params: { path: { id: source.id } }, body }));
      else await take(client.POST('/api/sources', { body }));
      queries.invalidateQueries({ queryKey: ['status'] });
      onDone();
      onClose();
    } catch (x) {
      setError(problemText(x, t('sources.notSaved')));
    }
  };
  return (
    <Overlay title={source ? t('sources.edit') : t('sources.add')} onClose={onClose} width={520}>
      <form className="overlay-body form" onSubmit={submit}>
        <div>
          <label htmlFor="src-name">{t('sources.name')}</label>
          <Input id="src-name" value={f.name} onChange={set('name')} required autoFocus maxLength={200} />
        </div>
        <div>
          <label htmlFor="src-kind">{t('column.kind')}</label>
          <select id="src-kind" className="select" value={f.kind} onChange={set('kind')}>
            {['syslog', 'bulk', 'import', 'sensor'].map((k) => (
              <option key={k} value={k}>
                {t(`sourceKind.${k}`)}
              </option>
            ))}
          </select>
        </div>
        <div>
          <label htmlFor="src-system">{t('column.system')}</label>
          <select id="src-system" className="select" value={f.system} onChange={set('system')}>
            <option value="">{t('sources.bySender')}</option>
            {(systems.data?.items ?? []).map((s) => (
              <option key={s.id} value={s.id}>
                {s.id} {s.name}
              </option>
            ))}
          </select>
        </div>
        <div>
          <label htmlFor="src-address">{t('sources.from')}</label>
          <Input
            id="src-address"
            className="num"
            value={f.address}
            onChange={set('address')}
            placeholder="10.20.1.7"
            maxLength={64}
          />
        </div>
        <div>
          <label htmlFor="src-host">{t('sources.host')}</label>
          <Input id="src-host" className="num" value={f.host} onChange={set('host')} maxLength={255} />
        </div>
        <fieldset className="layers-field">
          <legend className="label">{t('systems.layersOf')}</legend>
          {['network', 'application', 'database', 'endpoint'].map((l) => (
            <label key={l}>
              <input
                type="checkbox"
                checked={layers.includes(l)}
                onChange={(e) => setLayers(e.target.checked ? [...layers, l] : layers.filter((x) => x !== l))}
              />{' '}
              {t(`layer.${l}`)}
            </label>
          ))}
        </fieldset>
        {f.kind === 'syslog' && !source && (
          <div>
            <p className="hint">{t('sources.three')}</p>
            {!seenAs && <p className="hint warn-text">{t('sources.addressHint')}</p>}
            <Pre
              label={t('sources.three')}
            >{`# /etc/rsyslog.d/60-hoalu.conf\n*.* action(type="omfwd" target="${seenAs ?? t('sources.addressHere')}" port="5514" protocol="tcp" TCP_Framing="octet-counted" template="RSYSLOG_SyslogProtocol23Format"\n           queue.type="LinkedList" queue.filename="hoalu" queue.saveonshutdown="on" action.resumeRetryCount="-1")`}</Pre>
          </div>
        )}
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div className="row">
          <Button type="primary" htmlType="submit" disabled={!f.name.trim()}>
            {t('act.save')}
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </form>
    </Overlay>
  );
}

/** Ends says when a sensor's certificate ends; within 30 days it warns, for by then it ought to have been renewed. */
function Ends({ at }: { at: string | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const end = ms(at);
  if (end === undefined) return null;
  const left = end - now;
  const key = left <= 0 ? 'certificateEnded' : left <= 30 * 86_400_000 ? 'certificateSoon' : 'certificateEnds';
  return (
    <p className={key === 'certificateEnds' ? 'small muted' : 'small warn-text'}>
      {t(`sources.${key}`, { date: date(end, lang) })}
    </p>
  );
}

function Sensors() {
  const { t } = useTranslation();
  const lang = useLang();
  const sensors = useQuery({ queryKey: ['sensors'], queryFn: () => take(client.GET('/api/sensors')), retry: false });
  if (sensors.isPending) return <Loading what="sensors" />;
  if (sensors.isError) return <Failed error={sensors.error} what="sensors" retry={() => sensors.refetch()} />;
  if (sensors.data.items.length === 0) return <Empty>{t('sources.noSensors')}</Empty>;
  const sign = (s: string) =>
    s === 'running' ? 'met' : s === 'refused' ? 'not_met' : s === 'off' || s === 'withdrawn' ? 'not_applicable' : 'unknown';
  return (
    <div className="page-body scroll">
      {sensors.data.items.map((s) => (
        <section key={s.id} className="card">
          <div className="card-head">
            <PostureSign state={sign(s.state)} label={t(`sensorState.${s.state}`)} />
            <h2>
              <Evidence value={s.name} name />
            </h2>
            <span className="num muted">{s.id}</span>
            {s.system && <span className="small muted">{s.system.name}</span>}
            <span className="end small muted">
              <Age at={s.seen} /> {s.version && <span className="num">{s.version}</span>}
            </span>
          </div>
          <TableWrap label={t('sources.tab.sensors')}>
            <table className="plain">
              <tbody>
                {s.probes.map((p) => (
                  <tr key={p.name}>
                    <td>
                      <PostureSign state={sign(p.state)} label={t(`sensorState.${p.state}`)} />
                    </td>
                    <td>
                      {t(`probe.${p.name}`, { defaultValue: p.name })} <span className="num muted">{p.name}</span>
                    </td>
                    <td>
                      {p.reason ? (
                        <Evidence value={p.reason} className="ev-wrap" />
                      ) : p.state === 'unknown' ? (
                        <Measured known={false} why={t('sources.probeUnknown')}>
                          {null}
                        </Measured>
                      ) : (
                        '–'
                      )}
                      {p.allow && (
                        <Pre label={t('sources.allow')}>
                          <Evidence value={p.allow} mode="detail" />
                        </Pre>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableWrap>
          {s.shed && Object.values(s.shed).some((n) => n > 0) && (
            <p className="small warn-text">
              {t('sources.shed')}{' '}
              {Object.entries(s.shed)
                .filter(([, n]) => n > 0)
                .map(([k, n]) => `${number(n, lang)} ${t(`sensorLoss.${k}`, { defaultValue: k })}`)
                .join('; ')}
            </p>
          )}
          <Ends at={s.certificate_ends} />
        </section>
      ))}
    </div>
  );
}
