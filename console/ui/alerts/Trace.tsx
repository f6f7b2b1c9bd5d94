import type { TFunction } from 'i18next';
import { Fragment, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Condition, Counted } from '../api/client';
import { CopyEvidence, Evidence } from '../evidence/Evidence';
import { Said } from '../evidence/Said';
import { number } from '../format/number';
import { wholeSpan } from '../format/time';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';

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
