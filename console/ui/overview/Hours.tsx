import { lazy, Suspense, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { AlertHours } from '../api/client';
import { SeveritySign } from '../design/signs';
import type { Severity } from '../design/tokens';
import { ms } from '../format/time';

const TimeBars = lazy(() => import('../design/TimeBars'));

const severities: Severity[] = ['informational', 'low', 'medium', 'high', 'critical'];

/** Alerts by hour and severity. */
export function Hours({ hours }: { hours: AlertHours }) {
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
