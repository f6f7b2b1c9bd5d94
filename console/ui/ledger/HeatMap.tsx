import { useTranslation } from 'react-i18next';
import type { LedgerCell } from '../api/client';
import { PostureSign } from '../design/signs';
import { number } from '../format/number';
import { listed, ms } from '../format/time';
import { useLang } from '../session/preferences';

/**
 * Minutes that are off or not yet checked, an hour a column. Before the first reconciled minute (kept, Unix milliseconds) nothing is
 * known, and that is drawn; while none is reconciled, nothing at all is.
 */
export function HeatMap({ cells, from, to, kept }: { cells: LedgerCell[]; from: number; to: number; kept: number | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const HOUR = 3_600_000;
  const firstHour = Math.floor(from / HOUR) * HOUR;
  const hours = Math.min(48, Math.ceil((to - firstHour) / HOUR));
  const off = cells.filter((c) => c.state === 'off');
  const unchecked = cells.filter((c) => c.state === 'unchecked').length;
  const unmeasured = cells.length - off.length - unchecked;
  const known = Math.min(to, kept ?? to);
  return (
    <figure className="heat" aria-label={t('ledger.map', { off: off.length, unchecked, unmeasured })}>
      <svg viewBox={`0 0 ${hours * 62} 34`} preserveAspectRatio="none" role="img" aria-hidden="true">
        <defs>
          <pattern id="heat-stripes" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect className="heat-ground" width="9" height="9" />
            <rect className="heat-stripe" width="3" height="9" />
          </pattern>
        </defs>
        {Array.from({ length: hours }, (_, h) => (
          <rect key={h} className="heat-hour" x={h * 62} y={0} width={60} height={34} />
        ))}
        {known > firstHour && (
          <rect
            fill="url(#heat-stripes)"
            x={0}
            y={0}
            width={Math.min(hours * 62, ((known - firstHour) / HOUR) * 62)}
            height={34}
          />
        )}
        {cells.map((c) => {
          const v = ms(c.minute) ?? 0;
          const h = Math.floor((v - firstHour) / HOUR);
          const m = Math.floor(((v - firstHour) % HOUR) / 60_000);
          return h >= 0 && h < hours ? (
            <rect
              key={v}
              className={c.state === 'off' ? 'heat-off' : 'heat-unchecked'}
              x={h * 62 + m}
              y={0}
              width={c.state === 'off' ? 2 : 1}
              height={34}
            />
          ) : null;
        })}
      </svg>
      <figcaption>
        <span className="num">{listed(firstHour, lang).slice(0, -3)}</span>
        <span className="legend">
          <span>
            <PostureSign state="not_met" size={11} label={t('ledger.differs')} /> {number(off.length, lang)}
          </span>
          <span>
            <PostureSign state="unknown" size={11} label={t('ledger.unchecked')} /> {number(unchecked, lang)}
          </span>
          <span>
            <PostureSign state="unknown" size={11} label={t('ledger.notMeasured')} /> {number(unmeasured, lang)}
          </span>
          {known > firstHour && (
            <span className="unk-text">
              {t('ledger.before')}: {listed(firstHour, lang).slice(0, -3)} → {listed(known, lang).slice(0, -3)}
            </span>
          )}
          {known < to && <span className="muted">{t('ledger.emptyBalanced')}</span>}
        </span>
        <span className="num">{listed(to, lang).slice(0, -3)}</span>
      </figcaption>
    </figure>
  );
}
