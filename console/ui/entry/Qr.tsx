import { useMemo } from 'react';
import { encode } from 'uqr';

/** A QR code drawn here as SVG; nothing is asked of anyone. */
export function Qr({ text, label }: { text: string; label: string }) {
  const { size, path } = useMemo(() => {
    const q = encode(text, { ecc: 'M', border: 3 });
    let d = '';
    q.data.forEach((row, y) => {
      row.forEach((on, x) => {
        if (on) d += `M${x} ${y}h1v1h-1z`;
      });
    });
    return { size: q.size, path: d };
  }, [text]);
  return (
    <svg viewBox={`0 0 ${size} ${size}`} role="img" aria-label={label} shapeRendering="crispEdges">
      <rect className="qr-ground" width={size} height={size} />
      <path className="qr-dark" d={path} />
    </svg>
  );
}
