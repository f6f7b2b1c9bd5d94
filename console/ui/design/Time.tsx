import { age, clock, full, listed, ms, span, utc, type When } from '../format/time';
import { useNow } from '../live/clock';
import { useLang } from '../session/preferences';

/** UTC stands in the tooltip of every exact time. */
export function Exact({ at, short }: { at: When; short?: boolean }) {
  const lang = useLang();
  const v = ms(at);
  if (v === undefined) return <span>–</span>;
  return (
    <time className="num" dateTime={new Date(v).toISOString()} title={utc(v)}>
      {short ? listed(v, lang) : full(v, lang)}
    </time>
  );
}

/** 17 phút trước, ticking; the exact time in the tooltip. */
export function Age({ at }: { at: When }) {
  const lang = useLang();
  const now = useNow();
  const v = ms(at);
  if (v === undefined) return <span>–</span>;
  return (
    <time dateTime={new Date(v).toISOString()} title={`${full(v, lang)} · ${utc(v)}`}>
      {age(v, now, lang)}
    </time>
  );
}

/** Two lines of a list cell: how long ago, and exactly when. */
export function AgeCell({ at }: { at: When }) {
  const lang = useLang();
  const now = useNow();
  const v = ms(at);
  if (v === undefined) return <span className="muted">–</span>;
  return (
    <span className="cell2">
      <span>{Math.abs(now - v) < 10_000 ? age(v, now, lang) : span(now - v, lang)}</span>
      <time className="num sub" dateTime={new Date(v).toISOString()} title={`${full(v, lang)} · ${utc(v)}`}>
        {now - v < 20 * 3600_000 ? clock(v) : listed(v, lang)}
      </time>
    </span>
  );
}
