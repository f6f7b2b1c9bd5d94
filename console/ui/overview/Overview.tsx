import { useQuery } from '@tanstack/react-query';
import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { systemName } from '../alerts/parts';
import {
  type AlertHours,
  type AlertItem,
  client,
  type Overview as OverviewData,
  type OverviewSystems,
  take,
} from '../api/client';
import { Icon, type IconName } from '../design/icons';
import { Measured } from '../design/Measured';
import { DemoChip, PostureSign, SeveritySign, SourceSign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import type { Severity } from '../design/tokens';
import { Evidence } from '../evidence/Evidence';
import { Said } from '../evidence/Said';
import { number } from '../format/number';
import { forecast, minute, ms, span } from '../format/time';
import { useKeys } from '../keys/useKeys';
import { useNow } from '../live/clock';
import { useNotices } from '../live/stream';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { realSources, sampleSources } from '../sources/counts';
import { Checklist } from './Checklist';

const TimeBars = lazy(() => import('../design/TimeBars'));

const severities: Severity[] = ['informational', 'low', 'medium', 'high', 'critical'];

export default function Overview() {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const now = useNow();
  const data = useQuery({
    queryKey: ['overview'],
    queryFn: () => take(client.GET('/api/overview')),
    refetchInterval: 20_000,
  });
  const [dirty, setDirty] = useState(false);
  useNotices(['alert'], () => {
    if (!dirty) setDirty(true);
  });
  const o = data.data;
  const [next, setNext] = useState<{ items: AlertItem[]; at: number }>();
  if (o && (!next || (dirty === false && next.at === 0))) setNext({ items: o.next ?? [], at: data.dataUpdatedAt });
  const takeIn = () => {
    data.refetch().then((r) => {
      setNext({ items: r.data?.next ?? [], at: r.dataUpdatedAt });
      setDirty(false);
    });
  };
  useKeys([{ keys: ['.'], label: 'takeIn', act: takeIn }]);

  if (data.isPending) return <Loading what="overview" />;
  if (!o) return <Failed error={data.error} what="overview" retry={() => data.refetch()} />;
  const has = (c: string) => o.cards.includes(c);
  const broken = new Map((o.broken ?? []).map((b) => [b.card, b]));
  const stale = (ms(o.stale_after) ?? Number.POSITIVE_INFINITY) < now || data.isError;
  const moved = next && o.next && o.next.map((a) => a.id).join() !== next.items.map((a) => a.id).join();
  const demo = (o.systems?.placements ?? []).flatMap((p) => p.tiles).filter((s) => s.demo).length;
  const s = o.shift;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('overview.title')}</h1>
        <span className="muted small">
          {t(`shift.${s.kind}`)} {minute(s.from)}–{minute(s.to)}
        </span>
        {demo > 0 && <DemoChip demo label={t('overview.demo', { count: demo })} />}
        {stale && (
          <span className="chip chip-unk">
            {t('state.staleLine', { time: minute(o.as_of), n: Math.max(1, Math.floor((now - (ms(o.as_of) ?? now)) / 60_000)) })}
          </span>
        )}
      </div>
      <div className="page-body overview">
        {me.checklist.length > 0 && <Checklist items={me.checklist} />}
        <Figures o={o} />
        <div className="ov-grid">
          {has('hours') && (
            <section className="card ov-hours" aria-labelledby="ov-hours">
              {broken.get('hours') || !o.hours ? (
                <Broken id="ov-hours" name={t('overview.hours')} text={broken.get('hours')?.text} />
              ) : (
                <Hours hours={o.hours} />
              )}
            </section>
          )}
          {has('next') && (
            <section className="card ov-next" aria-labelledby="ov-next">
              <div className="card-head">
                <h2 id="ov-next">{t('overview.next')}</h2>
                <span className="end small">
                  {moved ? (
                    <button type="button" className="link" onClick={takeIn}>
                      {t('overview.nextMoved')} <kbd>.</kbd>
                    </button>
                  ) : (
                    <Link to="/alerts">
                      {t('overview.all')} {o.alerts ? number(o.alerts.open, lang) : ''}
                    </Link>
                  )}
                </span>
              </div>
              {broken.get('next') ? (
                <p className="chip chip-unk">{broken.get('next')?.text}</p>
              ) : (
                <Next items={next?.items ?? []} o={o} />
              )}
            </section>
          )}
          {has('systems') && (
            <section className="card ov-systems" aria-labelledby="ov-systems">
              {o.systems ? (
                <Tiles systems={o.systems} />
              ) : (
                <Broken id="ov-systems" name={t('overview.systems0')} text={broken.get('systems')?.text} />
              )}
            </section>
          )}
          {has('sources') && (
            <section className="card ov-sources" aria-labelledby="ov-sources">
              <Sources o={o} broken={broken.get('sources')?.text} />
            </section>
          )}
          {has('health') && o.health && (
            <section className="card ov-health" aria-labelledby="ov-health">
              <div className="card-head">
                <h2 id="ov-health">{t('overview.health')}</h2>
                {pageRight(me, 'admin') !== undefined && (
                  <Link className="end small" to="/admin">
                    {t('page.admin')}
                  </Link>
                )}
              </div>
              <ul className="health">
                {o.health.parts.map((p) => (
                  <li key={p.name}>
                    <PostureSign state={p.ready ? 'met' : 'not_met'} label={t(`part.${p.name}`, p.name)} />
                    {p.reason && <span className="small muted"> {p.reason}</span>}
                  </li>
                ))}
              </ul>
            </section>
          )}
          {has('ledger') && (
            <section className="card ov-ledger" aria-labelledby="ov-ledger">
              <LedgerCard o={o} broken={broken.get('ledger')?.text} />
            </section>
          )}
        </div>
      </div>
    </div>
  );
}

function Broken({ id, name, text }: { id: string; name: string; text: string | undefined }) {
  const { t } = useTranslation();
  return (
    <>
      <h2 id={id}>{name}</h2>
      <p className="chip chip-unk">{text ?? t('state.partAway', { what: name.toLowerCase() })}</p>
    </>
  );
}

function Figure({
  icon,
  sign,
  name,
  to,
  value,
  lines,
  law,
}: {
  icon?: IconName;
  sign?: ReactNode;
  name: string;
  to?: string | undefined;
  value: ReactNode;
  lines: (ReactNode | undefined)[];
  law?: string;
}) {
  const inner = (
    <>
      <span className="figure-head">
        {sign ?? (icon && <Icon name={icon} />)} {name}
        {law && <span className="chip">{law}</span>}
      </span>
      <span className="figure-body">
        <span className="figure">{value}</span>
        <span className="figure-lines">
          {lines.filter(Boolean).map((l, i) => (
            <span key={i} className="cut">
              {l}
            </span>
          ))}
        </span>
      </span>
    </>
  );
  return to ? (
    <Link to={to} className="card figure-card">
      {inner}
    </Link>
  ) : (
    <div className="card figure-card">{inner}</div>
  );
}

function Figures({ o }: { o: OverviewData }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const now = useNow();
  const may = (p: string, to: string) => (pageRight(me, p) !== undefined ? to : undefined);
  const out: ReactNode[] = [];
  const a = o.alerts;
  const unknown = <span className="figure-unk">?</span>;
  if (o.cards.includes('alerts')) {
    const oldest = ms(a?.oldest_new);
    out.push(
      <Figure
        key="alerts"
        sign={<SeveritySign level="critical" word="none" />}
        name={t('view.unacknowledged')}
        to={may('alerts', '/alerts?view=unacknowledged')}
        value={a && (a.new > 0 || a.intake === 'received') ? number(a.new, lang) : unknown}
        lines={
          a
            ? a.new === 0 && a.intake !== 'received'
              ? [t(a.intake === 'nothing' ? 'overview.nothingReceived' : 'state.notKnown')]
              : [
                  `${t('overview.alertsUnit')}${oldest ? ` · ${t('overview.oldest', { span: span(now - oldest, lang) })}` : ''}`,
                  t('overview.high', { n: number(a.high, lang) }),
                ]
            : [t('state.notKnown')]
        }
      />,
    );
  }
  if (o.cards.includes('sources')) {
    const s = o.sources;
    out.push(
      <Figure
        key="sources"
        sign={<PostureSign state={s && s.state !== 'unknown' && s.receiving > 0 && !s.silent ? 'met' : 'unknown'} word="none" />}
        name={t('overview.silent')}
        to={may('sources', s ? realSources(s, s.silent ? 'silent' : undefined) : '/sources')}
        value={s && s.state !== 'unknown' && s.total > 0 ? number(s.silent, lang) : unknown}
        lines={
          s
            ? [
                s.total === 0
                  ? s.samples.silent > 0
                    ? t('overview.noRealSilent', { n: number(s.samples.silent, lang) })
                    : t('overview.noReal')
                  : t('overview.ofSources', { n: number(s.total, lang) }) +
                    (s.samples.silent > 0 ? ` (${t('sources.plusSamples', { n: number(s.samples.silent, lang) })})` : ''),
                s.oldest ? (
                  <Evidence key="oldest" value={s.oldest.name} />
                ) : (
                  t('overview.receiving', { n: number(s.receiving, lang) })
                ),
              ]
            : [t('state.notKnown')]
        }
      />,
    );
  }
  if (o.cards.includes('national')) {
    const n = o.national;
    const oldest = ms(n?.oldest_waiting);
    const receipt = ms(n?.last_receipt);
    out.push(
      <Figure
        key="national"
        icon="link"
        name={t('overview.toCentre')}
        to={may('national', '/national')}
        value={n && (n.state !== 'unknown' || n.waiting > 0) ? number(n.waiting, lang) : unknown}
        lines={
          n?.state === 'unset'
            ? [t('overview.messages'), t('status.nationalUnset')]
            : n
              ? [
                  `${t('overview.messages')}${oldest ? ` · ${t('overview.oldest', { span: span(now - oldest, lang) })}` : ''}`,
                  receipt ? t('overview.lastReceipt', { span: span(now - receipt, lang) }) : t('overview.noReceipt'),
                ]
              : [t('state.notKnown')]
        }
      />,
    );
  }
  const d = o.health?.disk;
  if (d)
    out.push(
      <Figure
        key="disk"
        icon="disk"
        name={t('overview.disk')}
        to={may('admin', '/admin')}
        value={d.days !== undefined ? forecast(d.days, lang) : unknown}
        lines={[
          d.days === undefined &&
            t(
              d.state === 'unknown'
                ? 'state.notKnown'
                : d.unknown === 'not_falling'
                  ? 'overview.diskSteady'
                  : 'overview.diskUnknown',
            ),
          d.state !== 'unknown' &&
            t('overview.diskFree', { n: number((100 * d.free_bytes) / Math.max(1, d.total_bytes), lang, 0) }),
        ]}
      />,
    );
  if (a && out.length < 4)
    out.push(
      <Figure
        key="today"
        icon="clock"
        name={t('overview.today')}
        to={may('alerts', '/alerts')}
        value={a.today > 0 || a.intake === 'received' ? number(a.today, lang) : unknown}
        lines={[
          a.today === 0 && a.intake === 'nothing' && t('overview.nothingReceived'),
          t('overview.closedToday', { n: number(a.closed_today, lang) }),
          a.acknowledge_mean_seconds !== undefined
            ? t('overview.ackMean', { span: span(a.acknowledge_mean_seconds * 1000, lang) })
            : undefined,
        ]}
      />,
    );
  return <div className="figures">{out}</div>;
}

function Hours({ hours }: { hours: AlertHours }) {
  const { t } = useTranslation();
  const data = useMemo(
    () => ({
      from: ms(hours.from) ?? 0,
      to: ms(hours.to) ?? 0,
      step: 3_600_000,
      series: severities.map((s) => ({
        key: s,
        name: t(`severity.${s}`),
        values: hours.buckets.map((b) => [ms(b.start) ?? 0, b.counts[s] ?? 0] as [number, number]),
      })),
      gaps: hours.buckets
        .filter((b) => b.unknown)
        .map((b) => [ms(b.start) ?? 0, (ms(b.start) ?? 0) + 3_600_000] as [number, number]),
    }),
    [hours, t],
  );
  const total = hours.buckets.reduce((n, b) => n + severities.reduce((m, s) => m + (b.counts[s] ?? 0), 0), 0);
  return (
    <Suspense fallback={<div style={{ height: 150 }} />}>
      <TimeBars
        id="ov-hours"
        title={t('overview.hours')}
        label={t('overview.hoursLabel', { n: total })}
        height={122}
        data={data}
        legend={[...severities].reverse().map((s) => <SeveritySign key={s} level={s} size={12} />)}
        palette="severity"
        link={(at) => `/alerts?view=all&t=${at}_${at + 3_600_000}`}
      />
    </Suspense>
  );
}

function Next({ items, o }: { items: AlertItem[]; o: OverviewData }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  if (items.length === 0) {
    const s = o.sources;
    return (
      <Empty>
        {s && s.silent > 0
          ? t('alerts.emptySilent', { count: s.silent })
          : s && s.receiving > 0
            ? t('alerts.empty', { n: s.receiving, m: s.total })
            : t('alerts.emptyUnseen')}
      </Empty>
    );
  }
  return (
    <ul className="next">
      {items.slice(0, 7).map((a) => (
        <li key={a.id}>
          <Link to={`/alerts?sel=${a.number}`}>
            <SeveritySign level={a.severity} word="hidden" />
            <span className="cell2">
              <span className="cut title">
                <Said text={a.title} fallback={a.rule} />
              </span>
              <span className="sub cut">
                <DemoChip demo={a.demo} exercise={a.exercise} /> {systemName(a.system, t)} · {t(`alertState.${a.state}`)}
                {a.holder ? ` · ${a.holder.name}` : ''}
              </span>
            </span>
            <span className="muted">{span(now - (ms(a.last) ?? now), lang)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Tiles({ systems }: { systems: OverviewSystems }) {
  const { t } = useTranslation();
  const me = useMe();
  const may = pageRight(me, 'systems') !== undefined;
  if (systems.total === 0)
    return (
      <>
        <h2 id="ov-systems">{t('overview.systems0')}</h2>
        <Empty actions={may && <Link to="/systems">{t('page.systems')}</Link>}>{t('systems.empty')}</Empty>
      </>
    );
  return (
    <>
      <div className="card-head">
        <h2 id="ov-systems">{t('overview.systems', { count: systems.total })}</h2>
        <span className="legend">
          {(['met', 'not_met', 'unknown'] as const)
            .filter((p) => systems.placements.some((x) => x.tiles.some((s) => s.state === p)))
            .map((p) => (
              <PostureSign key={p} state={p} size={12} />
            ))}
        </span>
      </div>
      {systems.placements
        .filter((p) => p.tiles.length > 0)
        .map((p) => (
          <div key={p.placement} className="placement">
            <h3 className="muted">
              {t(`placement.${p.placement || 'none'}`)} · <span className="num">{p.tiles.length}</span>
            </h3>
            <ul className="tiles">
              {p.tiles.map((s) => {
                const name = `${s.name}: ${t(`posture.${s.state}`)}, ${t('level', { n: s.level })}`;
                const inner = (
                  <>
                    <PostureSign state={s.state} word="none" size={13} />
                    <span>{s.level || '–'}</span>
                  </>
                );
                return (
                  <li key={s.id}>
                    {may ? (
                      <Link to={`/systems/${s.id}`} className="tile" aria-label={name} title={name}>
                        {inner}
                      </Link>
                    ) : (
                      <span className="tile" title={name}>
                        {inner}
                        <span className="sr">{name}</span>
                      </span>
                    )}
                  </li>
                );
              })}
            </ul>
          </div>
        ))}
    </>
  );
}

function Sources({ o, broken }: { o: OverviewData; broken: string | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const s = o.sources;
  if (!s) return <Broken id="ov-sources" name={t('page.sources')} text={broken} />;
  const states = (['receiving', 'thin', 'silent', 'skewed', 'garbled', 'never'] as const).filter(
    (k) => k !== 'never' || s.never > 0,
  );
  return (
    <>
      <div className="card-head">
        <h2 id="ov-sources">{t('overview.sources')}</h2>
        <Link className="end num" to={realSources(s)}>
          {number(s.total, lang)}
        </Link>
      </div>
      {s.total === 0 && <p className="chip chip-unk">{t('overview.noReal')}</p>}
      <ul className="counts">
        {(s.total > 0 ? states : []).map((k) => (
          <li key={k}>
            <Link to={realSources(s, k)}>
              {s[k] > 0 ? <SourceSign state={k} /> : <span className="muted">{t(`sourceState.${k}`)}</span>}
              <span className="num strong">{number(s[k], lang)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {s.oldest && (
        <p className="small muted cut">
          {t('overview.silentLongest')} <Evidence value={s.oldest.name} name />
        </p>
      )}
      {s.samples.total > 0 && (
        <p className="small">
          <Link to={sampleSources()}>{t('sources.samplesApart', { n: number(s.samples.total, lang) })}</Link>
        </p>
      )}
    </>
  );
}

function LedgerCard({ o, broken }: { o: OverviewData; broken: string | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const l = o.ledger;
  if (!l) return <Broken id="ov-ledger" name={t('page.ledger')} text={broken} />;
  const r = l.row;
  const cells = ['received', 'stored', 'quarantined', 'rejected', 'duplicate', 'dropped', 'in_flight', 'difference'] as const;
  return (
    <>
      <div className="card-head">
        <h2 id="ov-ledger">
          {t('overview.ledger')} {l.minute && <span className="num">{minute(l.minute)}</span>}
        </h2>
        <PostureSign
          state={l.state === 'balanced' ? 'met' : l.state === 'off' ? 'not_met' : 'unknown'}
          label={
            l.state === 'balanced'
              ? t('ledger.equation')
              : l.state === 'off'
                ? t('ledger.off', { n: number(l.difference, lang) })
                : t('ledger.unknown')
          }
        />
        <Link className="end small" to="/ledger">
          {t('ledger.openPage')}
        </Link>
      </div>
      {r ? (
        <dl className="ledger-row">
          {cells.map((c) => (
            <div key={c}>
              <dt>{t(`ledger.${c}`)}</dt>
              <dd className="num strong">
                <Measured known={c !== 'difference' || r.checked} why={t('ledger.unchecked')}>
                  {number(r[c], lang)}
                </Measured>
              </dd>
            </div>
          ))}
        </dl>
      ) : (
        <p className="muted small">{t('ledger.none')}</p>
      )}
      {l.not_measured > 0 && <p className="small unk-text">{t('ledger.notMeasuredDay', { n: number(l.not_measured, lang) })}</p>}
    </>
  );
}
