import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type AlertDetail, type AlertItem, client, take } from '../api/client';
import { MiniBars } from '../design/MiniBars';
import { Unread } from '../design/Unread';
import { counted, unread } from '../format/counted';
import { ms } from '../format/time';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';

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
