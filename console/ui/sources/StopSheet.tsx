import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type SourceItem, take } from '../api/client';
import { problemText } from '../design/states';
import { toast } from '../design/toast';
import { Overlay } from '../frame/Overlay';

export function StopSheet({ source, onClose, onDone }: { source: SourceItem; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [hours, setHours] = useState('4');
  const [reason, setReason] = useState('');
  const [error, setError] = useState('');
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    try {
      await take(
        client.PUT('/api/sources/{id}/stop', {
          params: { path: { id: source.id } },
          body: {
            until: new Date(Date.now() + Number(hours) * 3600_000).toISOString(),
            reason: reason.trim(),
            version: source.version,
          },
        }),
      );
      toast({ text: t('sources.didStop') });
      onDone();
      onClose();
    } catch (x) {
      setError(problemText(x, t('sources.notSaved')));
    }
  };
  return (
    <Overlay title={`${t('sources.stop')} ${source.id}`} onClose={onClose} width={440}>
      <form className="overlay-body form" onSubmit={submit}>
        <p>{t('sources.stopHint')}</p>
        <div>
          <label htmlFor="stop-hours">{t('sources.stopFor')}</label>
          <select id="stop-hours" className="select" value={hours} onChange={(e) => setHours(e.target.value)}>
            {[1, 4, 12, 24, 72, 168].map((h) => (
              <option key={h} value={h}>
                {h < 24 ? t('sources.hours', { count: h }) : t('unit.days', { count: h / 24 })}
              </option>
            ))}
          </select>
        </div>
        <div>
          <label htmlFor="stop-reason">{t('sources.reason')}</label>
          <Input id="stop-reason" value={reason} onChange={(e) => setReason(e.target.value)} required maxLength={400} autoFocus />
        </div>
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div className="row">
          <Button type="primary" htmlType="submit" disabled={!reason.trim()}>
            {t('sources.stopNow')}
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </form>
    </Overlay>
  );
}
