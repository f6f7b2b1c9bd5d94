import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Overview } from '../api/client';
import { Icon, type IconName } from '../design/icons';
import { PostureSign, SeveritySign } from '../design/signs';
import { Evidence } from '../evidence/Evidence';
import { number } from '../format/number';
import { forecast, ms, span } from '../format/time';
import { useNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { realSources } from '../sources/counts';

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

type Shown = ReactNode | undefined;

/** Where a figure leads, for who may go there. */
function useMay(): (page: string, to: string) => string | undefined {
  const me = useMe();
  return (page, to) => (pageRight(me, page) !== undefined ? to : undefined);
}

/** The four figures of the first page, those that this person's role shows. */
export function Figures({ o }: { o: Overview }) {
  const d = o.health?.disk;
  const out: Shown[] = [
    o.cards.includes('alerts') && <Unacknowledged key="alerts" a={o.alerts} />,
    o.cards.includes('sources') && <SilentSources key="sources" s={o.sources} />,
    o.cards.includes('national') && <ToCentre key="national" n={o.national} />,
    d && <Disk key="disk" d={d} />,
  ].filter(Boolean);
  if (o.alerts && out.length < 4) out.push(<Today key="today" a={o.alerts} />);
  return <div className="figures">{out}</div>;
}

const unknown = <span className="figure-unk">?</span>;

function Unacknowledged({ a }: { a: Overview['alerts'] }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const may = useMay();
  const oldest = ms(a?.oldest_new);
  const known = a && (a.new > 0 || a.intake === 'received');
  return (
    <Figure
      sign={<SeveritySign level="critical" word="none" />}
      name={t('view.unacknowledged')}
      to={may('alerts', '/alerts?view=unacknowledged')}
      value={known ? number(a.new, lang) : unknown}
      lines={
        !a
          ? [t('state.notKnown')]
          : known
            ? [
                `${t('overview.alertsUnit')}${oldest ? ` · ${t('overview.oldest', { span: span(now - oldest, lang) })}` : ''}`,
                t('overview.high', { n: number(a.high, lang) }),
              ]
            : [t(a.intake === 'nothing' ? 'overview.nothingReceived' : 'state.notKnown')]
      }
    />
  );
}

function SilentSources({ s }: { s: Overview['sources'] }) {
  const { t } = useTranslation();
  const lang = useLang();
  const may = useMay();
  const samples = s && s.samples.silent > 0 ? t('overview.samplesSilent', { n: number(s.samples.silent, lang) }) : undefined;
  return (
    <Figure
      // a tick says that all of them send: one that never did is none of them
      sign={
        <PostureSign
          state={s && s.state !== 'unknown' && s.total > 0 && s.receiving === s.total ? 'met' : 'unknown'}
          word="none"
        />
      }
      name={t('overview.silent')}
      to={may('sources', s ? realSources(s, s.silent ? 'silent' : undefined) : '/sources')}
      value={s && s.state !== 'unknown' && s.total > 0 ? number(s.silent, lang) : unknown}
      lines={
        !s
          ? [t('state.notKnown')]
          : s.total === 0
            ? [t('overview.noReal'), samples]
            : [
                t('overview.ofSources', { n: number(s.total, lang), k: number(s.receiving, lang) }),
                s.oldest ? <Evidence key="oldest" value={s.oldest.name} /> : samples,
              ]
      }
    />
  );
}

function ToCentre({ n }: { n: Overview['national'] }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const may = useMay();
  const oldest = ms(n?.oldest_waiting);
  const receipt = ms(n?.last_receipt);
  return (
    <Figure
      icon="link"
      name={t('overview.toCentre')}
      to={may('national', '/national')}
      value={n && (n.state !== 'unknown' || n.waiting > 0) ? number(n.waiting, lang) : unknown}
      lines={
        !n
          ? [t('state.notKnown')]
          : n.state === 'unset'
            ? [t('overview.messages'), t('status.nationalUnset')]
            : [
                `${t('overview.messages')}${oldest ? ` · ${t('overview.oldest', { span: span(now - oldest, lang) })}` : ''}`,
                receipt ? t('overview.lastReceipt', { span: span(now - receipt, lang) }) : t('overview.noReceipt'),
              ]
      }
    />
  );
}

function Disk({ d }: { d: NonNullable<NonNullable<Overview['health']>['disk']> }) {
  const { t } = useTranslation();
  const lang = useLang();
  const may = useMay();
  const why =
    d.state === 'unknown' ? 'state.notKnown' : d.unknown === 'not_falling' ? 'overview.diskSteady' : 'overview.diskUnknown';
  return (
    <Figure
      icon="disk"
      name={t('overview.disk')}
      to={may('admin', '/admin')}
      value={d.days !== undefined ? forecast(d.days, lang) : unknown}
      lines={[
        d.days === undefined && t(why),
        d.state !== 'unknown' &&
          t('overview.diskFree', { n: number((100 * d.free_bytes) / Math.max(1, d.total_bytes), lang, 0) }),
      ]}
    />
  );
}

function Today({ a }: { a: NonNullable<Overview['alerts']> }) {
  const { t } = useTranslation();
  const lang = useLang();
  const may = useMay();
  return (
    <Figure
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
    />
  );
}
