import { useQuery } from '@tanstack/react-query';
import { type RefObject, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Counts, client, take } from '../api/client';
import { DayField } from '../design/DayField';
import { Icon } from '../design/icons';
import { Unread } from '../design/states';
import { date, fromDay, toDay } from '../format/time';
import { useView } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { serverNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { series } from './history';

const DAY = 86_400_000;
const SPAN = 184 * DAY;

/** The state as of a date: an area of what changed, a slider, a date field, and steps of a day. */
export function DateBar({
  id,
  counts,
  at,
  onChange,
  field,
}: {
  id: string;
  counts: Counts | undefined;
  at: string;
  onChange: (day: string | undefined) => void;
  field: RefObject<HTMLInputElement | null>;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const [, change] = useView();
  const today = toDay(serverNow());
  const end = (fromDay(today) ?? 0) + DAY - 1;
  const begin = end - SPAN;
  const present = useQuery({
    queryKey: ['posture', id, ''],
    queryFn: () => take(client.GET('/api/systems/{id}/posture', { params: { path: { id } } })),
    enabled: !counts,
    staleTime: 60_000,
  });
  const changes = useQuery({
    queryKey: ['posture', id, 'changes', 'all', today],
    queryFn: () =>
      take(
        client.GET('/api/systems/{id}/posture/changes', {
          params: { path: { id }, query: { from: new Date(begin).toISOString(), to: new Date(end).toISOString() } },
        }),
      ),
    staleTime: 300_000,
    retry: false,
  });
  const now = counts ?? present.data?.counts;
  const days = useMemo(
    () => (now && changes.data ? series(now, changes.data.items, begin, end) : []),
    [now, changes.data, begin, end],
  );
  const shown = at || today;
  const day = fromDay(shown) ?? end;
  const go = (by: number) => {
    const next = Math.min(end, Math.max(begin, day + by * DAY + 1));
    const d = toDay(next);
    onChange(d === today ? undefined : d);
  };
  useKeys([
    { keys: ['PageUp'], label: 'earlier', act: () => go(-1) },
    { keys: ['PageDown'], label: 'later', act: () => go(1) },
  ]);
  const width = 1000;
  const height = 36;
  const x = (d: number) => ((d - begin) / SPAN) * width;
  const area = (low: (c: Counts) => number, high: (c: Counts) => number) => {
    if (days.length === 0) return '';
    const y = (n: number, c: Counts) => height - (n / Math.max(1, c.met + c.not_met + c.unknown + c.not_applicable)) * height;
    const top = days.map((d) => `${x(d.day).toFixed(1)} ${y(high(d.counts), d.counts).toFixed(1)}`);
    const bottom = days.map((d) => `${x(d.day).toFixed(1)} ${y(low(d.counts), d.counts).toFixed(1)}`).reverse();
    return `M${[...top, ...bottom].join('L')}Z`;
  };
  const index = Math.round((day - begin) / DAY);
  return (
    <div className="date-bar">
      <Unread list={present} what="posture" />
      <Unread list={changes} what="changes" />
      <span className="date-label">
        <Icon name="calendar" size={14} /> {t('systems.stateAt')}{' '}
        <DayField
          ref={field}
          label={t('systems.stateAt')}
          value={shown}
          min={toDay(begin)}
          max={today}
          onChange={(d) => onChange(d === today ? undefined : d)}
        />
      </span>
      {shown === today && <span className="muted small">{t('systems.today')}</span>}
      <button
        type="button"
        className="range-step"
        onClick={() => go(-1)}
        aria-label={t('systems.dayBefore')}
        title={`${t('systems.dayBefore')} (PgUp)`}
      >
        ◀
      </button>
      <div className="date-track">
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <defs>
            <pattern id="area-stripes" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
              <rect width="7" height="7" className="gap-ground" />
              <rect width="2" height="7" className="gap-line" />
            </pattern>
          </defs>
          <path
            className="area-met"
            d={area(
              () => 0,
              (c) => c.met + c.not_applicable,
            )}
          />
          <path
            className="area-not-met"
            d={area(
              (c) => c.met + c.not_applicable,
              (c) => c.met + c.not_applicable + c.not_met,
            )}
          />
          <path
            fill="url(#area-stripes)"
            d={area(
              (c) => c.met + c.not_applicable + c.not_met,
              (c) => c.met + c.not_applicable + c.not_met + c.unknown,
            )}
          />
        </svg>
        <input
          type="range"
          min={0}
          max={Math.round(SPAN / DAY)}
          value={index}
          aria-label={t('systems.stateAt')}
          aria-valuetext={date(day, lang)}
          onChange={(e) => {
            const d = toDay(begin + Number(e.target.value) * DAY);
            onChange(d >= today ? undefined : d);
          }}
        />
      </div>
      <button
        type="button"
        className="range-step"
        onClick={() => go(1)}
        disabled={shown === today}
        aria-label={t('systems.dayAfter')}
        title={`${t('systems.dayAfter')} (PgDn)`}
      >
        ▶
      </button>
      <span className="muted small">
        {t('systems.fromDay')} {date(begin, lang)}
      </span>
      <button
        type="button"
        className="top-button"
        onClick={() => change({ tab: 'history', a: shown === today ? undefined : shown }, true)}
      >
        {t('systems.compare')}
      </button>
    </div>
  );
}
