import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Event } from '../api/client';
import { Icon } from '../design/icons';
import { Pre } from '../design/TableWrap';
import { Exact } from '../design/Time';
import { CopyEvidence, Evidence } from '../evidence/Evidence';
import { EventFields } from './EventFields';

export function Detail({
  event,
  system,
  onClose,
  onPick,
}: {
  event: Event;
  system: string | undefined;
  onClose: () => void;
  onPick: (f: string, v: string, not?: boolean) => void;
}) {
  const { t } = useTranslation();
  const [raw, setRaw] = useState(false);
  const original = event['event.original'];
  return (
    <aside className="preview" aria-label={t('search.detail')}>
      <div className="card-head preview-head">
        <Exact at={event['@timestamp']} />
        <span className="muted small cut">{system}</span>
        <button type="button" className="top-button end" onClick={onClose} aria-label={t('act.back')}>
          <Icon name="close" size={14} />
        </button>
      </div>
      <div className="tabs" role="tablist" aria-label={t('search.detail')}>
        <button type="button" role="tab" aria-selected={!raw} onClick={() => setRaw(false)}>
          ECS
        </button>
        <button type="button" role="tab" aria-selected={raw} onClick={() => setRaw(true)}>
          {t('search.original')}
        </button>
      </div>
      <div className="preview-in">
        {raw ? (
          <>
            <Pre label={t('search.original')}>
              <Evidence value={original ?? JSON.stringify(event, null, 2)} mode="detail" />
            </Pre>
            <CopyEvidence value={original ?? JSON.stringify(event)} />
          </>
        ) : (
          <EventFields event={event} onPick={onPick} />
        )}
      </div>
    </aside>
  );
}
