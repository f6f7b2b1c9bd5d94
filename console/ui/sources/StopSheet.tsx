import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type SourceItem, take } from '../api/client';
import { Choice, TextField } from '../design/fields';
import { toast } from '../design/toast';
import { FormSheet } from '../frame/FormSheet';

export function StopSheet({ source, onClose, onDone }: { source: SourceItem; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [hours, setHours] = useState('4');
  const [reason, setReason] = useState('');
  const save = async () => {
    const until = new Date(Date.now() + Number(hours) * 3600_000).toISOString();
    const body = { until, reason: reason.trim(), version: source.version };
    await take(client.PUT('/api/sources/{id}/stop', { params: { path: { id: source.id } }, body }));
    toast({ text: t('sources.didStop') });
    onDone();
    onClose();
  };
  return (
    <FormSheet
      title={`${t('sources.stop')} ${source.id}`}
      width={440}
      action={t('sources.stopNow')}
      ready={reason.trim() !== ''}
      save={save}
      failed={t('sources.notSaved')}
      onClose={onClose}
    >
      <p>{t('sources.stopHint')}</p>
      <Choice
        id="stop-hours"
        label={t('sources.stopFor')}
        value={hours}
        onChange={setHours}
        options={[1, 4, 12, 24, 72, 168].map(
          (h) => [String(h), h < 24 ? t('sources.hours', { count: h }) : t('unit.days', { count: h / 24 })] as const,
        )}
      />
      <TextField id="stop-reason" label={t('sources.reason')} value={reason} onChange={setReason} maxLength={400} autoFocus />
    </FormSheet>
  );
}

/** Ends a planned stop before its time: silence is an alert again at once. */
export function ResumeSheet({ source, onClose, onDone }: { source: SourceItem; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const save = async () => {
    const body = { reason: reason.trim(), version: source.version };
    await take(client.PUT('/api/sources/{id}/stop', { params: { path: { id: source.id } }, body }));
    toast({ text: t('sources.didResume') });
    onDone();
    onClose();
  };
  return (
    <FormSheet
      title={`${t('sources.resume')} ${source.id}`}
      width={440}
      action={t('sources.resume')}
      ready={reason.trim() !== ''}
      save={save}
      failed={t('sources.notSaved')}
      onClose={onClose}
    >
      <p>{t('sources.resumeHint')}</p>
      <TextField id="resume-reason" label={t('sources.reason')} value={reason} onChange={setReason} maxLength={400} autoFocus />
    </FormSheet>
  );
}
