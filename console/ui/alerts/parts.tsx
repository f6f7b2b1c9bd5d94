import { useQuery } from '@tanstack/react-query';
import { Checkbox } from 'antd';
import type { TFunction } from 'i18next';
import { Fragment, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type AlertDetail, type AlertItem, type Condition, type Counted, client, type HistoryLine, take } from '../api/client';
import { MiniBars } from '../design/MiniBars';
import { DemoChip, SeveritySign } from '../design/signs';
import { Exact } from '../design/Time';
import { Unread } from '../design/Unread';
import { CopyEvidence, Evidence } from '../evidence/Evidence';
import { Said, Words } from '../evidence/Said';
import { counted, unread } from '../format/counted';
import type { Lang } from '../format/lang';
import { number } from '../format/number';
import { clock, minute, ms, wholeSpan } from '../format/time';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';

type Text = Record<string, string>;

/** A text of the product in the person's language; a missing one falls back and says so. */
export function say(text: Text | undefined, lang: Lang, t: (k: string) => string): string {
  if (!text) return '';
  const own = text[lang];
  if (own) return own;
  const other = text[lang === 'vi' ? 'en' : 'vi'];
  return other ? `${other} ${t('state.untranslated')}` : '';
}

export function AlertChips({ alert }: { alert: AlertItem }) {
  const { t } = useTranslation();
  return (
    <>
      <span className="chip">
        {alert.reopened && alert.state === 'new' ? t('alertState.reopened') : t(`alertState.${alert.state}`)}
      </span>
      <DemoChip demo={alert.demo} exercise={alert.exercise} />
      {alert.personal && <span className="chip">{t('alerts.personal')}</span>}
    </>
  );
}

export function AlertHead({ alert, open }: { alert: AlertItem; open?: boolean }) {
  const { t } = useTranslation();
  return (
    <div className="alert-head">
      <SeveritySign level={alert.severity} />
      <span className="num strong">{alert.score}</span>
      <AlertChips alert={alert} />
      {open ? (
        <Link className="num end" to={`/alerts/${alert.number}`} title={t('act.open')} aria-keyshortcuts="o">
          {alert.number} <kbd>O</kbd>
        </Link>
      ) : (
        <span className="num muted end">{alert.number}</span>
      )}
    </div>
  );
}

export function AlertFacts({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const systems = pageRight(me, 'systems') !== undefined;
  const lastDelivery = alert.deliveries.find((d) => d.kind === 'alert') ?? alert.deliveries[0];
  const what: [string, string | undefined][] = [
    ['host', alert.host],
    ['user', alert.user],
    ['address', alert.address],
  ];
  return (
    <dl className="facts">
      <dt>{t('field.system')}</dt>
      <dd>
        {systems && alert.system.id !== '_unassigned' ? (
          <Link to={`/systems/${alert.system.id}`}>{alert.system.name || alert.system.id}</Link>
        ) : (
          systemName(alert.system, t)
        )}
        {alert.system.level > 0 && ` · ${t('level', { n: alert.system.level })}`}
        {alert.unit && ` · ${alert.unit.name}`}
      </dd>
      {what.map(
        ([k, v]) =>
          v && (
            <FactLine key={k} label={t(`field.${k}`)}>
              <Evidence value={v} name={k !== 'address'} />
            </FactLine>
          ),
      )}
      <dt>{t('field.time')}</dt>
      <dd>
        <span className="num" title={String(alert.first)}>
          {clock(alert.first)} → {clock(alert.last)}
        </span>{' '}
        · {t('alerts.times', { count: alert.count, n: number(alert.count, lang) })} · <Exact at={alert.last} />
      </dd>
      {alert.holder && (
        <>
          <dt>{t('field.holder')}</dt>
          <dd>{alert.holder.name}</dd>
        </>
      )}
      {alert.close_reason && (
        <>
          <dt>{t('field.result')}</dt>
          <dd>
            {t(`reason.${alert.close_reason}`)}
            {alert.closed_by ? ` · ${alert.closed_by}` : ''} · <Exact at={alert.closed} short />
          </dd>
        </>
      )}
      {lastDelivery && (
        <>
          <dt>{t('field.reported')}</dt>
          <dd>
            {lastDelivery.state === 'accepted' ? (
              <>
                {t('alerts.centreHas')} <span className="num">{clock(lastDelivery.accepted)}</span>
                {lastDelivery.receipt && (
                  <>
                    {' · '}
                    {pageRight(me, 'national') !== undefined ? (
                      <Link to={`/national?sel=${encodeURIComponent(lastDelivery.id)}`}>{t('alerts.receipt')}</Link>
                    ) : (
                      t('alerts.receipt')
                    )}
                    {lastDelivery.receipt.verified
                      ? ' ✓'
                      : ` (${t(lastDelivery.receipt.kind === 'transport' ? 'national.transport' : 'national.unverified')})`}
                  </>
                )}
              </>
            ) : (
              t(`reportState.${lastDelivery.state}`)
            )}
          </dd>
        </>
      )}
      {alert.previous && (
        <>
          <dt>{t('field.previous')}</dt>
          <dd>
            <Link className="num" to={`/alerts/${alert.previous}`}>
              {alert.previous}
            </Link>
          </dd>
        </>
      )}
    </dl>
  );
}

function FactLine({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{label}</dt>
      <dd className="cut">{children}</dd>
    </>
  );
}

export function systemName(s: { id: string; name: string }, t: (k: string) => string): string {
  return s.id === '_unassigned' ? t('systems.unassigned') : s.name || s.id;
}

const opSign: Record<string, string> = { equals: '=', eq: '=', neq: '≠', group: '=', gt: '>', gte: '≥', lt: '<', lte: '≤' };

/** An operator is one word of Sigma or several: "contains", "not equals contains". */
function opWords(op: string, t: TFunction): string {
  if (op === 'not equals') return '≠';
  return op
    .replace(/^not equals /, 'not ')
    .split(' ')
    .map((w) => opSign[w] ?? t(`op.${w}`, w))
    .join(' ');
}

/** The trace: which condition looked at what and found what; each value as it stands in the event. */
export function Trace({ trace, copy }: { trace: Condition[]; copy?: boolean }) {
  const { t } = useTranslation();
  const heads = trace.some((c) => c.op === 'search');
  const { held, rest } = branches(trace);
  const more = rest.filter((c) => c.op !== 'search').length;
  return (
    <>
      <Lines lines={held} heads={heads} copy={copy} />
      {rest.length > 0 && (
        <details className="trace-rest small">
          <summary>{t('alerts.fold', { count: more })}</summary>
          <Lines lines={rest} heads={heads} copy={copy} />
        </details>
      )}
    </>
  );
}

/**
 * The lines that made the rule fire, and those that say only what was also looked at: conditions that did not match and parts that
 * exclude. A head goes with the lines under it.
 */
export function branches(trace: Condition[]): { held: Condition[]; rest: Condition[] } {
  const groups: Condition[][] = [];
  for (const c of trace) {
    const last = groups.at(-1);
    if (c.op === 'search' || !last || last[0]?.op !== 'search') groups.push([c]);
    else last.push(c);
  }
  const held: Condition[] = [];
  const rest: Condition[] = [];
  for (const g of groups) {
    const [head, ...under] = g as [Condition, ...Condition[]];
    if (!head.matched || head.negated) rest.push(...g);
    else {
      held.push(head, ...under.filter((c) => c.op === 'more' || (c.matched && !c.negated)));
      rest.push(...under.filter((c) => c.op !== 'more' && !(c.matched && !c.negated)));
    }
  }
  // nothing is folded where nothing would be left
  return held.length === 0 ? { held: trace, rest: [] } : { held, rest };
}

function Lines({ lines, heads, copy }: { lines: Condition[]; heads: boolean; copy: boolean | undefined }) {
  const { t } = useTranslation();
  return (
    <ul className="trace">
      {lines.map((c, i) => {
        const holds = c.negated ? !c.matched : c.matched;
        const cls = c.op === 'search' ? 'trace-head' : c.negated || (heads && !c.matched) ? 'trace-not' : undefined;
        return (
          <li key={i} className={cls}>
            <span className={holds ? 'trace-yes' : 'trace-no'}>
              {c.op === 'more' ? '' : c.negated ? '–' : holds ? '✓' : heads ? '·' : '✕'}
              <span className="sr">{c.negated ? t('alerts.traceNot') : holds ? t('alerts.traceYes') : t('alerts.traceNo')}</span>
            </span>
            <span className="trace-text">
              <TraceLine c={c} />
              {copy && c.got && !c.counted && <CopyEvidence value={c.got} />}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function TraceLine({ c }: { c: Condition }) {
  const { t } = useTranslation();
  if (c.op === 'more') return <span className="muted">{t('alerts.traceMore')}</span>;
  if (c.op === 'search')
    return (
      <>
        <span className="trace-op">{t(c.negated ? 'trace.notGroup' : 'trace.group')}</span>{' '}
        <Evidence value={c.want} className="trace-name" />
      </>
    );
  if (c.counted) return <CountedLine counted={c.counted} got={c.got ?? ''} />;
  if (c.op === 'count')
    return (
      <>
        <span className="trace-op">{t('op.count')}</span> {c.field && <Evidence value={c.field} />}{' '}
        <Evidence value={c.got ?? ''} className="ev-hit" /> <span className="trace-op">{t('alerts.traceNeeds')}</span>{' '}
        <Evidence value={c.want} />
      </>
    );
  const op = !c.field && c.op === 'equals' ? t('op.keyword') : opWords(c.op, t);
  const same = c.op === 'equals' || c.op === 'group';
  return (
    <>
      {c.negated && <span className="trace-op">{t('alerts.notMatching')} </span>}
      {c.field && <Evidence value={c.field} />} <span className="trace-op">{op}</span>{' '}
      {same && c.matched ? (
        <Evidence value={c.got ?? c.want} className={c.negated ? '' : 'ev-hit'} />
      ) : (
        <>
          <Evidence value={`“${c.want}”`} />
          {c.got && (
            <>
              {': '}
              <Evidence value={c.got} {...(c.matched && !c.negated ? { highlight: plain(c.want) } : {})} className="ev-wrap" />
            </>
          )}
        </>
      )}
    </>
  );
}

/** What a correlation counted, as a sentence; the rules it counts are links. */
export function CountedLine({ counted, got }: { counted: Counted; got: string }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const rules = counted.rules.map((r) => {
    const title = <Said key={r.id} text={r.title} fallback={r.id} />;
    return pageRight(me, 'rules') !== undefined ? (
      <Link key={r.id} to={`/rules/${encodeURIComponent(r.id)}`}>
        {title}
      </Link>
    ) : (
      title
    );
  });
  const n = Number(got);
  return (
    <span className="trace-said">
      {fill(t(`trace.${counted.type === 'temporal' && counted.partly ? 'temporalPartly' : counted.type}`), {
        n: <Evidence value={got !== '' && Number.isFinite(n) ? number(n, lang) : got} className="ev-hit" />,
        field: <Evidence value={(counted.fields ?? []).join(', ')} />,
        span: wholeSpan(counted.timespan, lang),
        limit: (counted.bounds ?? []).map((b) => `${opSign[b.op] ?? b.op} ${number(b.value, lang)}`).join(', '),
        rules: joined(
          rules,
          t(counted.type === 'temporal_ordered' ? 'trace.then' : counted.type === 'temporal' ? 'trace.and' : 'trace.or'),
        ),
      })}
    </span>
  );
}

function joined(list: ReactNode[], between: string): ReactNode {
  return list.map((r, i) => (
    <Fragment key={i}>
      {i > 0 && between}
      <b>{r}</b>
    </Fragment>
  ));
}

/** Puts nodes where a sentence names them: "{n} lần trong {span}". */
function fill(sentence: string, nodes: Record<string, ReactNode>): ReactNode {
  return sentence.split(/\{(\w+)\}/).map((part, i) => <Fragment key={i}>{i % 2 ? nodes[part] : part}</Fragment>);
}

function plain(pattern: string): string {
  return pattern
    .split(/[*?]/)
    .sort((a, b) => b.length - a.length)[0]!
    .trim();
}

export function runbookOf(runbook: Runbook | undefined, lang: Lang): string[] {
  return runbook?.[lang] ?? runbook?.vi ?? runbook?.en ?? [];
}

type Runbook = Record<string, string[]>;

/** Ticks are notes in the history, so that everyone sees who did what; the last note of a step counts. */
export function ticks(history: HistoryLine[]): Map<number, HistoryLine | null> {
  const out = new Map<number, HistoryLine | null>();
  for (const h of [...history].sort((a, b) => (ms(a.time) ?? 0) - (ms(b.time) ?? 0))) {
    const m = h.action === 'note' ? /^([✓○]) (\d)\. /.exec(h.text ?? '') : null;
    if (m) out.set(Number(m[2]), m[1] === '✓' ? h : null);
  }
  return out;
}

export function Steps({ alert, onTick }: { alert: AlertDetail; onTick?: ((text: string) => void) | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const steps = runbookOf(alert.runbook, lang);
  const done = ticks(alert.history);
  if (steps.length === 0) return <p className="muted small">{t('alerts.noSteps')}</p>;
  return (
    <ol className="steps">
      {steps.map((s, i) => {
        const by = done.get(i + 1);
        return (
          <li key={s}>
            <Checkbox
              checked={Boolean(by)}
              disabled={!onTick}
              onChange={(e) => onTick?.(`${e.target.checked ? '✓' : '○'} ${i + 1}. ${s}`)}
            >
              <Words text={s} />
              {by && (
                <span className="muted small">
                  {' '}
                  {by.actor.name} {minute(by.time)}
                </span>
              )}
            </Checkbox>
          </li>
        );
      })}
    </ol>
  );
}

function quoted(v: string): string {
  return `"${v.replace(/["\\]/g, '\\$&')}"`;
}

/** The query that finds what happened around an alert. */
export function aroundQuery(a: AlertItem): string {
  const parts: string[] = [];
  if (a.host) parts.push(`host.name:${quoted(a.host)}`);
  else if (a.address) parts.push(`source.ip:${quoted(a.address)}`);
  else if (a.system.id) parts.push(`hoalu.system.id:${quoted(a.system.id)}`);
  return parts.join(' and ');
}

export function aroundSpan(a: AlertItem): [number, number] {
  const last = ms(a.last) ?? 0;
  return [last - 600_000, last + 600_000];
}

export function aroundLink(a: AlertItem): string {
  const [from, to] = aroundSpan(a);
  return `/search?q=${encodeURIComponent(aroundQuery(a))}&t=${from}_${to}`;
}

/** Bars of the twenty minutes around the last hit. */
export function Around({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const may = pageRight(me, 'search') !== undefined;
  const [from, to] = aroundSpan(alert);
  const q = aroundQuery(alert);
  const data = useQuery({
    queryKey: ['around', alert.id, q, from],
    queryFn: () =>
      take(
        client.GET('/api/events', {
          params: { query: { query: q, from: String(from), to: String(to), limit: 0, histogram: '1m' } },
        }),
      ),
    enabled: may && q !== '',
    staleTime: 60_000,
    retry: false,
  });
  if (!may) return null;
  const h = data.data?.histogram;
  const hot = new Set<number>();
  const lo = ms(alert.first) ?? 0;
  const hi = ms(alert.last) ?? 0;
  const buckets = (h?.buckets ?? []).map((b) => ({ at: ms(b.key) ?? 0, n: b.count }));
  for (const b of buckets) if (b.at + 60_000 > lo && b.at <= hi) hot.add(b.at);
  return (
    <section className="around">
      <div className="card-head">
        <h3>{t('alerts.around')}</h3>
        <Link className="end small" to={aroundLink(alert)}>
          {data.data
            ? t('alerts.aroundOpen', { count: data.data.total, n: counted(data.data.total, data.data, lang, t) })
            : t('alerts.aroundOpen0')}{' '}
          <kbd>P</kbd>
        </Link>
      </div>
      {data.isError ? (
        <p className="chip chip-unk">{t('alerts.aroundUnknown')}</p>
      ) : (
        <MiniBars
          from={from}
          to={to}
          step={60_000}
          bars={buckets}
          gaps={(h?.gaps ?? []).map((g) => [ms(g.from) ?? 0, ms(g.to) ?? 0])}
          hot={hot}
          hotClass={`sev-${alert.severity}`}
          label={data.data ? t('alerts.aroundLabel', { n: counted(data.data.total, data.data, lang, t) }) : t('alerts.around')}
        />
      )}
      <Unread partial={unread(data.data ? [data.data] : [])} />
    </section>
  );
}

export function History({ lines }: { lines: HistoryLine[] }) {
  const { t } = useTranslation();
  return (
    <ul className="history">
      {lines.map((h, i) => (
        <li key={i}>
          <Exact at={h.time} short /> <span className="strong">{h.actor.name || t('alerts.machine')}</span>{' '}
          {t(`history.${h.action}`)}
          {h.reason && `: ${t(`reason.${h.reason}`, h.reason)}`}
          {h.text && (
            <>
              {': '}
              <span className="history-text">
                <Words text={h.text} />
              </span>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
