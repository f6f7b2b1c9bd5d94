import { useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import type { TFunction } from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AlertItem, client, take } from '../api/client';
import { problemText } from '../design/states';
import { FormSheet } from '../frame/FormSheet';
import { Overlay } from '../frame/Overlay';
import { useKeys } from '../keys/useKeys';
import { type Reason, reasons } from './data';

function subject(alerts: AlertItem[], t: TFunction): string {
  return alerts.length === 1 ? (alerts[0]?.number ?? '') : t('alerts.nAlerts', { count: alerts.length });
}

/** Six reasons, one key each; a note is asked for where the reason does not speak for itself. */
export function CloseSheet({
  alerts,
  onClose,
  onDone,
}: {
  alerts: AlertItem[];
  onClose: () => void;
  onDone: (r: Reason, note: string) => void;
}) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Reason | null>(null);
  const [note, setNote] = useState('');
  const critical = alerts.some((a) => a.severity === 'critical');
  const choose = (r: Reason) => {
    if (critical || r === 'inconclusive') setAsked(r);
    else onDone(r, '');
  };
  useKeys(
    reasons.map((r, i) => ({ keys: [String(i + 1)], label: `reason${i + 1}`, act: () => choose(r) })),
    { on: !asked, mode: 'menu' },
  );
  return (
    <Overlay title={t('alerts.closeTitle', { what: subject(alerts, t) })} onClose={onClose} width={440}>
      <div className="overlay-body">
        {!asked ? (
          <>
            <ul className="reasons">
              {reasons.map((r, i) => (
                <li key={r}>
                  <button
                    type="button"
                    className="reason"
                    onClick={() => choose(r)}
                    autoFocus={i === 0}
                    aria-keyshortcuts={String(i + 1)}
                  >
                    <kbd>{i + 1}</kbd> {t(`reason.${r}`)}
                  </button>
                </li>
              ))}
            </ul>
            {critical && <p className="muted small">{t('alerts.noteCritical')}</p>}
          </>
        ) : (
          <div className="form">
            <p className="strong">{t(`reason.${asked}`)}</p>
            <div>
              <label htmlFor="close-note">{asked === 'inconclusive' ? t('alerts.noteWhy') : t('alerts.noteDone')}</label>
              <Input.TextArea
                id="close-note"
                rows={3}
                autoFocus
                value={note}
                onChange={(e) => setNote(e.target.value)}
                onKeyDown={(e) => {
                  if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && note.trim()) onDone(asked, note.trim());
                }}
              />
            </div>
            <div className="row">
              <Button type="primary" disabled={!note.trim()} onClick={() => onDone(asked, note.trim())}>
                {t('alerts.closeNow')} <kbd>Ctrl ⏎</kbd>
              </Button>
              <Button onClick={() => setAsked(null)}>{t('act.back')}</Button>
            </div>
          </div>
        )}
      </div>
    </Overlay>
  );
}

/** A note is only added to: it is never changed and never taken back. */
export function NoteSheet({
  alerts,
  onClose,
  onDone,
}: {
  alerts: AlertItem[];
  onClose: () => void;
  onDone: (note: string) => Promise<void>;
}) {
  const { t } = useTranslation();
  const [note, setNote] = useState('');
  return (
    <FormSheet
      title={`${t('act.note')} ${subject(alerts, t)}`}
      action={
        <>
          {t('act.save')} <kbd>Ctrl ⏎</kbd>
        </>
      }
      ready={note.trim() !== ''}
      save={() => onDone(note.trim())}
      failed={t('admin.notDone')}
      onClose={onClose}
    >
      <div>
        <label htmlFor="note">{t('alerts.noteText')}</label>
        <Input.TextArea id="note" rows={4} maxLength={4000} value={note} onChange={(e) => setNote(e.target.value)} />
        <p className="hint">{t('alerts.noteOnly')}</p>
      </div>
    </FormSheet>
  );
}

export function AssignSheet({
  alerts,
  onClose,
  onDone,
}: {
  alerts: AlertItem[];
  onClose: () => void;
  onDone: (holder: string) => void;
}) {
  const { t } = useTranslation();
  const people = useQuery({ queryKey: ['people'], queryFn: () => take(client.GET('/api/people')) });
  return (
    <Overlay title={t('alerts.assignTitle', { what: subject(alerts, t) })} onClose={onClose} width={400}>
      <div className="overlay-body">
        <ul className="reasons">
          {(people.data?.items ?? []).map((p, i) => (
            <li key={p.id}>
              <button type="button" className="reason" onClick={() => onDone(p.id)} autoFocus={i === 0}>
                {p.name || p.id}
              </button>
            </li>
          ))}
        </ul>
        {people.isError && <p className="muted">{problemText(people.error, t('state.failed', { what: t('noun.people') }))}</p>}
        {people.data && people.data.items.length === 0 && <p className="muted">{t('alerts.noPeople')}</p>}
      </div>
    </Overlay>
  );
}
