import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { counted } from '../format/counted';
import { number } from '../format/number';
import { minute } from '../format/time';
import { useLang } from '../session/preferences';

/** Always the total: 1–50 trong 48.213. */
export function Foot({
  shown,
  total,
  capped,
  asOf,
  children,
}: {
  shown: number;
  total: number;
  capped?: boolean;
  asOf?: string | null;
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <div className="grid-foot">
      <span>
        {shown > 0 ? '1' : '0'}–{number(shown, lang)} {t('grid.of')} {counted(Math.max(shown, total), { capped }, lang, t)}
      </span>
      {asOf && <span>{t('search.asOf', { time: minute(asOf) })}</span>}
      {children}
    </div>
  );
}
