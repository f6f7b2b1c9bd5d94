import { useTranslation } from 'react-i18next';
import type { HistoryLine } from '../api/client';
import { Exact } from '../design/Time';
import { Words } from '../evidence/Said';

export function History({ lines }: { lines: HistoryLine[] }) {
  const { t } = useTranslation();
  return (
    <ul className="history">
      {lines.map((h, i) => (
        <li key={i}>
          <Exact at={h.time} short /> <span className="strong">{h.actor.name || t('alerts.machine')}</span>{' '}
          {t(`history.${h.action}`)}
          {h.reason && `: ${t(`reason.${h.reason}`, h.reason)}`}
          {h.text && (
            <>
              {': '}
              <span className="history-text">
                <Words text={h.text} />
              </span>
            </>
          )}
        </li>
      ))}
    </ul>
  );
}
