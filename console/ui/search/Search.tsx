import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { lazy, Suspense, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { client, type Event, type EventsAnswer, ProblemError, take } from '../api/client';
import { type Column, Grid } from '../design/Grid';
import { Icon } from '../design/icons';
import { RangeField } from '../design/RangeField';
import { Empty, Failed, Loading } from '../design/states';
import { Unread } from '../design/Unread';
import { Evidence } from '../evidence/Evidence';
import { spoken } from '../evidence/escape';
import { Words } from '../evidence/Said';
import { atLeast, counted, unread } from '../format/counted';
import { number, short, took } from '../format/number';
import { listed, minute, ms } from '../format/time';
import { useRange, useView } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { serverNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { Detail } from './Detail';
import { summaryOf } from './EventFields';
import { Fields } from './Fields';
import { Kept } from './Kept';
import { QueryField } from './QueryField';
import { mustStore, stored, tokenised } from './stored';
import { condition, narrowed } from './suggest';

const TimeBars = lazy(() => import('../design/TimeBars'));

const idOf = (e: Event) => String(e['event.id']);

export default function Search() {
  const { t } = useTranslation();
  const lang = useLang();
  const queries = useQueryClient();
  const [params, change] = useView();
  const q = params.get('q') ?? '';
  const sq = params.get('sq') ?? '';
  const [at, setAt] = useState(serverNow);
  const [range, setRange] = useRange(at);
  // a link of somebody else may hold a citizen's number: it is stored before anything is asked for
  const storing = !sq && mustStore(q);
  const asked = (params.has('q') || Boolean(sq)) && !storing;
  const sort = params.get('sort') === 'time' ? 'time' : '-time';
  const bounds = { from: new Date(range.from).toISOString(), to: new Date(range.to).toISOString() };
  const what = sq ? { sq } : { query: q };
  const key = JSON.stringify([what, bounds]);

  const result = useInfiniteQuery({
    queryKey: ['events', key, sort],
    queryFn: ({ pageParam, signal }) =>
      take(
        client.GET('/api/events', {
          signal,
          params: {
            query: { ...what, ...bounds, sort, limit: 100, ...(pageParam ? { after: pageParam } : { histogram: 'auto' }) },
          },
        }),
      ),
    initialPageParam: '',
    getNextPageParam: (last: EventsAnswer) => last.next || undefined,
    enabled: asked,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  const fields = useQuery({
    queryKey: ['event-fields', key],
    queryFn: ({ signal }) =>
      take(client.GET('/api/events/fields', { signal, params: { query: { ...(asked ? what : { query: '' }), ...bounds } } })),
    staleTime: 60_000,
    retry: false,
  });

  // a query that may not stand in a URL is stored, and the URL holds its name
  const problem = result.error instanceof ProblemError ? result.error : undefined;
  const refused = problem?.code === 'use_post';
  const [notStored, setNotStored] = useState<unknown>();
  useEffect(() => {
    if (!storing && !refused) return;
    stored(q).then(
      (s) => {
        setNotStored(undefined);
        change({ q: undefined, sq: s.sq });
        setText(s.query);
      },
      (e: unknown) => {
        // the number does not stay in the address either way
        change({ q: undefined });
        setNotStored(e);
      },
    );
  }, [storing, refused, q, change]);

  const first = result.data?.pages[0];
  // what a later page could not read is lacking from the whole, too
  const partial = useMemo(() => unread(result.data?.pages ?? []), [result.data]);
  const sure = { capped: first?.capped, partial };
  const [text, setText] = useState(q);
  useEffect(() => {
    if (!sq) setText(q);
  }, [q, sq]);
  useEffect(() => {
    if (sq && first?.query) setText(first.query);
  }, [sq, first?.query]);

  const run = async (query: string) => {
    setAt(serverNow());
    setText(query);
    setNotStored(undefined);
    if (mustStore(query)) {
      try {
        const s = await stored(query);
        change({ q: undefined, sq: s.sq, sel: undefined }, true);
      } catch (e) {
        setNotStored(e);
      }
      return;
    }
    if (query === q && !sq) queries.invalidateQueries({ queryKey: ['events'] });
    const next = new URLSearchParams(params);
    next.set('q', query);
    change({ q: query || ' ', sq: undefined, sel: undefined }, true);
  };
  const pick = (field: string, value: string, not = false) => run(narrowed(text, condition(field, value, not)));

  const rows = useMemo(() => (result.data?.pages ?? []).flatMap((p) => p.events), [result.data]);
  const [selected, setSelected] = useState<string | undefined>(params.get('sel') ?? undefined);
  const current = rows.find((e) => idOf(e) === selected);
  const systems = useQuery({
    queryKey: ['systems', 'names'],
    queryFn: () => take(client.GET('/api/systems', { params: { query: { limit: 500 } } })),
    staleTime: 300_000,
    retry: false,
  });
  const names = useMemo(() => new Map((systems.data?.items ?? []).map((s) => [s.id, s.name])), [systems.data]);

  const columns = useMemo<Column<Event>[]>(
    () => [
      {
        key: 'time',
        head: t('column.time'),
        width: '116px',
        sort: 'time',
        cell: (e) => <span className="num">{listed(e['@timestamp'], lang)}</span>,
      },
      {
        key: 'system',
        head: t('column.system'),
        width: 'minmax(0,150px)',
        cell: (e) => {
          const id = String(e['hoalu.system.id'] ?? '');
          return (
            <span className="cut block">
              {id === '_unassigned' || !id ? <span className="muted">{t('systems.unassigned')}</span> : (names.get(id) ?? id)}
            </span>
          );
        },
      },
      {
        key: 'kind',
        head: t('column.kind'),
        width: '96px',
        cell: (e) => (
          <Evidence value={[e['event.category'] ?? e['event.dataset'] ?? ''].flat().join(', ')} className="block cut muted" />
        ),
      },
      {
        key: 'summary',
        head: t('column.summary'),
        width: 'minmax(0,1fr)',
        cell: (e) => <Evidence value={summaryOf(e)} className="block cut" />,
      },
    ],
    [t, lang, names],
  );
  const more = useCallback(() => {
    if (result.hasNextPage && !result.isFetchingNextPage && rows.length < 10_000) result.fetchNextPage();
  }, [result.hasNextPage, result.isFetchingNextPage, result.fetchNextPage, rows.length]);

  const field = useRef<HTMLTextAreaElement>(null);
  useKeys([
    { keys: ['/'], label: 'filter', act: () => field.current?.focus() },
    { keys: ['Escape'], label: 'back', act: () => setSelected(undefined) },
  ]);

  const h = first?.histogram;
  const bars = useMemo(
    () =>
      h && {
        from: range.from,
        to: range.to,
        step: h.interval_ms,
        series: [
          {
            key: 'events',
            name: t('search.events'),
            values: h.buckets.map((b) => [ms(b.key) ?? 0, b.count] as [number, number]),
          },
        ],
        gaps: (h.gaps ?? []).map((g) => [ms(g.from) ?? 0, ms(g.to) ?? 0] as [number, number]),
      },
    [h, range, t],
  );
  const zoom = useCallback(
    (when: number) => setRange(`${when}_${when + (h?.interval_ms ?? 60_000)}`),
    [setRange, h?.interval_ms],
  );
  const missing = first?.missing_sources ?? [];
  const rangeText = range.moving ? t(`range.${range.name}`) : `${listed(range.from, lang)} → ${listed(range.to, lang)}`;
  const syntax =
    problem && problem.status >= 400 && problem.status < 500 && problem.code !== 'use_post' && problem.status !== 403
      ? problem
      : undefined;

  return (
    <div className="page page-fixed">
      <h1 className="sr">{t('page.search')}</h1>
      <div className="search-bar">
        <QueryField
          ref={field}
          value={text}
          onChange={setText}
          onRun={run}
          known={fields.data?.items ?? []}
          wrong={Boolean(syntax)}
        />
        <RangeField
          range={range}
          onChange={(n) => {
            setAt(serverNow());
            setRange(n);
          }}
        />
        <Kept query={text} onRun={run} />
      </div>
      {syntax && (
        <div className="banner banner-danger" role="alert">
          <Icon name="warn" />
          <span>
            <Words text={`${syntax.problem.detail ?? ''} ${syntax.problem.do ?? ''}`} />
            {(syntax.problem.fields ?? []).map((f) => (
              <span key={f.name}> {f.column ? t('search.column', { n: f.column }) : ''}</span>
            ))}
          </span>
        </div>
      )}
      {notStored ? (
        <Failed error={notStored} what="search" />
      ) : storing ? (
        <Loading what="events" />
      ) : !asked ? (
        <Empty>{t('search.before')}</Empty>
      ) : result.isPending ? (
        <Loading what="events" onStop={() => queries.cancelQueries({ queryKey: ['events'] })} />
      ) : !first ? (
        syntax ? null : (
          <Failed error={result.error} what="events" retry={() => result.refetch()} />
        )
      ) : (
        <>
          <p className="search-sum" role="status">
            <b>{counted(first.total, sure, lang, t)}</b> {t('search.events')} ·{' '}
            {t('search.scanned', { n: short(first.scanned, lang) })} · {took(first.took_ms, lang)} {t('search.seconds')}
            {missing.length > 0 && (
              <details className="missing">
                <summary className="chip chip-unk">{t('search.missing', { count: missing.length })}</summary>
                <div>
                  {missing.map((m) => (
                    <Link key={m.id} to={`/sources?sel=${m.id}`}>
                      <Evidence value={m.name || m.id} name />
                    </Link>
                  ))}
                </div>
              </details>
            )}
            {sq && tokenised(first.query) && <span className="chip chip-warn search-token">{t('search.tokenised')}</span>}
            <Unread partial={partial} />
            {first.cut && <span className="chip chip-unk">{t('search.cut', { n: number(rows.length, lang) })}</span>}
          </p>
          {(bars?.series[0]?.values.length ?? 0) > 0 && bars && (
            <div className="search-chart">
              <Suspense fallback={<div style={{ height: 100 }} />}>
                <TimeBars
                  id="histogram"
                  label={t('search.chartLabel', { n: counted(first.total, sure, lang, t), range: rangeText })}
                  height={76}
                  data={bars}
                  palette="category"
                  atLeast={h?.at_least}
                  onPick={zoom}
                  legend={
                    bars.gaps.length > 0 ? (
                      <span className="gap-legend">
                        <i className="stripes" /> {t('chart.gap')}
                      </span>
                    ) : undefined
                  }
                />
              </Suspense>
            </div>
          )}
          <div className={`search-main${current ? ' with-detail' : ''}`}>
            <Fields answer={fields.data} failed={fields.isError} onPick={pick} />
            <div className="queue-list">
              {rows.length === 0 ? (
                <Empty>
                  {t(partial.length > 0 || first.cut ? 'search.nonePartial' : 'search.none', {
                    range: rangeText,
                    n: number(first.scanned, lang),
                  })}{' '}
                  {missing.length > 0 &&
                    t('search.noneMissing', {
                      count: missing.length,
                      list: missing
                        .slice(0, 5)
                        .map((m) => spoken(m.name || m.id))
                        .join(', '),
                    })}
                </Empty>
              ) : (
                <>
                  <Grid
                    label={t('search.results')}
                    columns={columns}
                    rows={rows}
                    rowKey={idOf}
                    rowHeight={28}
                    total={atLeast(sure) ? -1 : first.total}
                    selected={selected}
                    onSelect={setSelected}
                    onOpen={(e) => setSelected(idOf(e))}
                    sort={sort}
                    onSort={(s) => change({ sort: s === 'time' ? 'time' : undefined })}
                    onEnd={more}
                  />
                  <div className="grid-foot">
                    <span>
                      1–{number(rows.length, lang)} {t('grid.of')} {counted(first.total, sure, lang, t)}
                    </span>
                    {rows.length >= 10_000 && (
                      <span>
                        {t('state.capped', {
                          a: number(rows.length, lang),
                          b: counted(first.total, sure, lang, t),
                          c: counted(first.total - rows.length, sure, lang, t),
                        })}
                      </span>
                    )}
                    <span>{t('search.asOf', { time: minute(first.as_of) })}</span>
                  </div>
                </>
              )}
            </div>
            {current && (
              <Detail
                event={current}
                onClose={() => setSelected(undefined)}
                onPick={pick}
                system={names.get(String(current['hoalu.system.id']))}
              />
            )}
          </div>
        </>
      )}
    </div>
  );
}
