import { useTranslation } from 'react-i18next';
import type { Counts, LayerItem } from '../api/client';
import { number } from '../format/number';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';

/** Three small boxes: how far a layer is proven. */
export function Score({ n, unknown }: { n: number; unknown?: boolean }) {
  return (
    <span className={`score3 score3-${unknown ? 'unknown' : n >= 2 ? 'good' : 'low'}`} aria-hidden="true">
      {[1, 2, 3].map((k) => (
        <i key={k} className={k <= n ? 'on' : ''} />
      ))}
    </span>
  );
}

/**
 * The level of a system is its lowest layer, as in the list of systems: a layer about the SOC's own appliance is not counted. A layer
 * known to stand at 0 or 1 decides; otherwise one that is not known leaves the level open.
 */
export function systemScore(all: LayerItem[]): number | undefined {
  const layers = all.filter((l) => l.about !== 'appliance');
  const known = layers.filter((l) => l.state !== 'unknown').map((l) => l.score);
  const lowest = Math.min(...known);
  return lowest <= 1 || known.length === layers.length ? lowest : undefined;
}

export function LayerBars({ layers }: { layers: LayerItem[] }) {
  const { t } = useTranslation();
  const lang = useLang();
  const text = layers.map((l) => `${say(l.title, lang, t)} ${l.state === 'unknown' ? '?' : l.score}/3`).join(', ');
  return (
    <span className="layer-bars" title={text}>
      {layers.map((l) => (
        <i key={l.id} className={l.state === 'unknown' ? 'unknown' : l.score >= 2 ? 'good' : 'low'}>
          <b style={{ height: `${Math.max(8, (l.score / 3) * 100)}%` }} />
        </i>
      ))}
      <span className="sr">{text}</span>
    </span>
  );
}

/** Met, not met, unknown, not applicable as one bar; unknown is striped. */
export function CountsBar({ counts, thick }: { counts: Counts; thick?: boolean }) {
  const { t } = useTranslation();
  const lang = useLang();
  const total = counts.met + counts.not_met + counts.unknown + counts.not_applicable;
  const part = (n: number) => ({ width: `${(100 * n) / Math.max(1, total)}%` });
  const text = (['met', 'not_met', 'unknown', 'not_applicable'] as const)
    .map((k) => `${t(`posture.${k}`)} ${number(counts[k], lang)}`)
    .join(', ');
  return (
    <span className={`counts-bar${thick ? ' thick' : ''}`} title={text}>
      <i className="met" style={part(counts.met)} />
      <i className="not-met" style={part(counts.not_met)} />
      <i className="stripes" style={part(counts.unknown)} />
      <i className="na" style={part(counts.not_applicable)} />
      <span className="sr">{text}</span>
    </span>
  );
}
