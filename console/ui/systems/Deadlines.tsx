import { useTranslation } from 'react-i18next';
import type { SystemItem } from '../api/client';
import { Certainty } from '../design/Certainty';

/** What law the days of a column of deadlines come from, each once: a figure of law is never shown without document, article and mark. */
export function Deadlines({ systems }: { systems: SystemItem[] }) {
  const { t } = useTranslation();
  const laws = new Map(
    systems.flatMap(({ transition: d }) => (d ? [[`${d.law.document} ${d.law.article} ${d.law.mark}`, d.law] as const] : [])),
  );
  if (laws.size === 0) return null;
  return (
    <span>
      {t('systems.transition')}:
      {[...laws].map(([key, law]) => (
        <span key={key}>
          {' '}
          {law.document} {law.article} <Certainty law={law} short />
        </span>
      ))}
    </span>
  );
}
