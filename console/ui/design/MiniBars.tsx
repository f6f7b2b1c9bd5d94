import { minute } from '../format/time';

interface Props {
  from: number;
  to: number;
  step: number;
  bars: { at: number; n: number }[];
  gaps?: [number, number][];
  hot?: ReadonlySet<number>;
  hotClass?: string;
  label: string;
  height?: number;
  ends?: boolean;
}

/** Small bars in our own SVG; a stretch without data is striped violet, never a zero. */
export function MiniBars({ from, to, step, bars, gaps = [], hot, hotClass = '', label, height = 36, ends = true }: Props) {
  const width = 400;
  const span = Math.max(1, to - from);
  const x = (t: number) => ((t - from) / span) * width;
  const max = Math.max(1, ...bars.map((b) => b.n));
  const w = Math.max(1.5, x(from + step) - 5);
  return (
    <figure className="minibars">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" height={height} role="img" aria-label={label}>
        <defs>
          <pattern id="gap-stripes" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
            <rect width="6" height="6" className="gap-ground" />
            <rect width="2" height="6" className="gap-line" />
          </pattern>
        </defs>
        {gaps.map(([a, b]) => (
          <rect
            key={a}
            x={Math.max(0, x(a))}
            y={0}
            width={Math.max(1, Math.min(width, x(b)) - Math.max(0, x(a)))}
            height={height}
            fill="url(#gap-stripes)"
          />
        ))}
        {bars.map((b) =>
          b.n > 0 ? (
            <rect
              key={b.at}
              className={hot?.has(b.at) ? `hot ${hotClass}` : 'bar'}
              x={x(b.at) + 2}
              y={height - Math.max(2, (b.n / max) * (height - 2))}
              width={w}
              height={Math.max(2, (b.n / max) * (height - 2))}
            />
          ) : null,
        )}
        <rect className="base" x={0} y={height - 0.5} width={width} height={0.5} />
      </svg>
      {ends && (
        <figcaption className="num">
          <span>{minute(from)}</span>
          <span>{minute((from + to) / 2)}</span>
          <span>{minute(to)}</span>
        </figcaption>
      )}
    </figure>
  );
}
