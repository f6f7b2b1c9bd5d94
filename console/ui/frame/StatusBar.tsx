import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Status } from '../api/client';
import { Icon, type IconName } from '../design/icons';
import { number } from '../format/number';
import { age, forecast, full, minute, ms, span } from '../format/time';
import { useNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { realSources } from '../sources/counts';
import { offset } from '../sources/measured';

type Tone = 'good' | 'plain' | 'unk' | 'bad' | 'warn';

/** On every page, each part a link. Good is plain; not knowing is violet; bad is red with words. */
export function StatusBar({
  status,
  failed,
  why,
  at,
}: {
  status: Status | undefined;
  failed: boolean;
  why?: string;
  at: number;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const me = useMe();
  const parts: { key: string; to: string; icon: IconName; tone: Tone; text: string }[] = [];
  const staleAt = ms(status?.stale_after);
  const stale = failed || (staleAt !== undefined && now > staleAt + 5000);

  const ledger = status?.ledger;
  if (ledger) {
    const tone: Tone = ledger.state === 'balanced' ? 'good' : ledger.state === 'off' ? 'bad' : 'unk';
    const text =
      ledger.state === 'balanced'
        ? t('status.balanced', { time: minute(ledger.minute) })
        : ledger.state === 'off'
          ? t('status.off', { n: number(ledger.difference, lang), time: minute(ledger.minute) })
          : t('status.ledgerUnknown') +
            (ledger.not_measured > 0 ? ` · ${t('ledger.notMeasuredDay', { n: number(ledger.not_measured, lang) })}` : '');
    parts.push({ key: 'ledger', to: ledger.state === 'off' ? '/ledger?view=off' : '/ledger', icon: 'scale', tone, text });
  }
  const sources = status?.sources;
  if (sources) {
    const oldest = ms(sources.oldest?.since);
    if (sources.silent > 0)
      parts.push({
        key: 'sources',
        to: realSources(sources, 'silent'),
        icon: 'source',
        tone: 'unk',
        text:
          t('status.silent', { count: sources.silent, n: number(sources.silent, lang) }) +
          (sources.samples.silent > 0 ? ` (${t('sources.plusSamples', { n: number(sources.samples.silent, lang) })})` : '') +
          (oldest ? ` · ${t('status.oldest', { span: span(now - oldest, lang) })}` : ''),
      });
    else if (sources.state === 'unknown')
      parts.push({ key: 'sources', to: realSources(sources), icon: 'source', tone: 'unk', text: t('status.sourcesUnknown') });
    else if (sources.total === 0)
      parts.push({
        key: 'sources',
        to: sources.samples.total > 0 ? '/sources' : realSources(sources),
        icon: 'source',
        tone: 'unk',
        text:
          t('status.noSources') +
          (sources.samples.total > 0 ? ` (${t('sources.plusSamples', { n: number(sources.samples.total, lang) })})` : ''),
      });
    else
      parts.push({
        key: 'sources',
        to: realSources(sources),
        icon: 'source',
        tone: sources.garbled > 0 ? 'bad' : 'plain',
        text:
          t('status.receiving', { n: number(sources.receiving, lang), m: number(sources.total, lang) }) +
          (sources.samples.total > 0 ? ` (${t('sources.plusSamples', { n: number(sources.samples.total, lang) })})` : '') +
          (sources.garbled > 0 ? ` · ${t('status.garbled', { n: number(sources.garbled, lang) })}` : ''),
      });
  }
  const n = status?.national;
  if (n) {
    const receipt = ms(n.last_receipt);
    const waiting = n.waiting > 0 ? ` · ${t('status.waiting', { n: number(n.waiting, lang) })}` : '';
    const text =
      n.state === 'unset'
        ? t('status.nationalUnset')
        : n.state === 'good'
          ? t('status.nationalGood', { age: receipt ? age(receipt, now, lang) : '–' }) + waiting
          : n.state === 'unknown'
            ? t('status.nationalUnknown')
            : t('status.nationalAway', { span: receipt ? span(now - receipt, lang) : '–' }) + waiting;
    parts.push({
      key: 'national',
      to: '/national',
      icon: 'link',
      tone: n.state === 'bad' || n.refused > 0 ? 'bad' : n.state === 'late' ? 'warn' : n.state === 'unknown' ? 'unk' : 'plain',
      text: n.refused > 0 ? `${text} · ${t('status.refused', { n: number(n.refused, lang) })}` : text,
    });
  }
  const d = status?.disk;
  if (d) {
    const text =
      d.state === 'unknown'
        ? t('status.diskUnknown')
        : d.days !== undefined
          ? t('status.disk', { when: forecast(d.days, lang) })
          : t(d.unknown === 'not_falling' ? 'status.diskSteady' : 'status.diskFree', {
              n: number((100 * d.free_bytes) / Math.max(1, d.total_bytes), lang, 0),
            });
    parts.push({
      key: 'disk',
      to: '/admin',
      icon: 'disk',
      tone:
        d.state === 'full' || d.state === 'low'
          ? 'bad'
          : d.state === 'unknown' || (d.days === undefined && d.unknown !== 'not_falling')
            ? 'unk'
            : 'plain',
      text: d.state === 'full' ? t('status.diskFull') : text,
    });
  }
  const c = status?.clock;
  if (c) {
    const off = c.offset_ms;
    parts.push({
      key: 'clock',
      to: '/admin',
      icon: 'clock',
      tone: c.state === 'off' ? 'bad' : c.state === 'unknown' ? 'unk' : 'plain',
      text: c.state === 'unknown' || off === undefined ? t('status.clockUnknown') : t('status.clock', { n: offset(off, lang) }),
    });
  }

  return (
    <div className="status-parts">
      {(!status || stale) && (
        <span className="status-part status-unk">
          {at ? t('status.stale', { time: minute(at) }) : failed ? t('status.none') : ''}
          {failed && why ? `: ${why}` : ''}
        </span>
      )}
      {parts.map((p) => {
        const page = p.to.split(/[/?]/)[1] as string;
        const inner = (
          <>
            <Icon name={p.icon} size={14} />
            <span>{p.text}</span>
          </>
        );
        const cls = `status-part status-${stale ? 'unk' : p.tone}`;
        return pageRight(me, page) !== undefined ? (
          <Link key={p.key} to={p.to} className={cls}>
            {inner}
          </Link>
        ) : (
          <span key={p.key} className={cls}>
            {inner}
          </span>
        );
      })}
      <time className="status-time num">{full(now, lang)}</time>
    </div>
  );
}
