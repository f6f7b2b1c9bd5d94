import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';

/**
 * A figure that was measured; where it was not, the sign of not knowing with its cause, never a zero, a dash or nothing. Every cell
 * whose figure depends on something having arrived goes through here.
 */
export function Measured({ known, why, children }: { known: boolean; why?: string; children: ReactNode }) {
  const { t } = useTranslation();
  if (known) return children;
  return (
    <span className="unmeasured unk-text" title={why ?? t('state.notMeasured')}>
      ?<span className="sr"> {why ?? t('state.notMeasured')}</span>
    </span>
  );
}
