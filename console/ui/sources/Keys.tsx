import { useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Secret } from '../admin/Secret';
import { client, take } from '../api/client';
import type { SourceDetail, SourceKey, SourceKeyMade } from '../api/schema';
import { problemText } from '../design/states';
import { Exact } from '../design/Time';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { Overlay } from '../frame/Overlay';
import { useMay } from '../session/session';

/** What the source's senders prove themselves with; the administrator makes and revokes. */
export function Keys({ source, onChanged }: { source: SourceDetail; onChanged: () => void }) {
  const { t } = useTranslation();
  const may = useMay('sources.key');
  const [making, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<SourceKey | null>(null);
  if (source.keys.length === 0 && !(may && source.kind === 'bulk')) return null;
  return (
    <section>
      <h3>{t('sources.keys')}</h3>
      {source.keys.map((k) => (
        <p key={k.id} className="small">
          <span className="num">{k.id}</span> {k.label && <Evidence value={k.label} name />}{' '}
          {k.kind === 'certificate' && <span className="chip">{t('sources.certificate')}</span>}{' '}
          <span className="muted">
            {k.used ? t('sources.keyUsed') : t('sources.keyUnused')} {k.used && <Exact at={k.used} />}
            {k.ends && (
              <>
                , {t('sources.keyEnds')} <Exact at={k.ends} />
              </>
            )}
          </span>{' '}
          {may && (
            <Button size="small" onClick={() => setRevoking(k)} aria-label={`${t('admin.revoke')} ${k.id}`}>
              {t('admin.revoke')}
            </Button>
          )}
        </p>
      ))}
      {may && source.kind === 'bulk' && <Button onClick={() => setMaking(true)}>{t('sources.keyNew')}</Button>}
      {making && <KeyForm source={source} onClose={() => setMaking(false)} onDone={onChanged} />}
      {revoking && (
        <Revoke
          source={source.id}
          held={revoking}
          onClose={() => setRevoking(null)}
          onDone={() => {
            setRevoking(null);
            onChanged();
          }}
        />
      )}
    </section>
  );
}

function KeyForm({ source, onClose, onDone }: { source: SourceDetail; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [label, setLabel] = useState('');
  const [follow, setFollow] = useState('168');
  const [made, setMade] = useState<SourceKeyMade | null>(null);
  const [shown, setShown] = useState(0);
  const [error, setError] = useState('');
  const others = source.keys.some((k) => k.kind === 'key');
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    try {
      const body = { label: label.trim(), ...(others && follow ? { follow_hours: Number(follow) } : {}) };
      setMade(await take(client.POST('/api/sources/{id}/keys', { params: { path: { id: source.id } }, body })));
      queries.invalidateQueries({ queryKey: ['sources'] });
      onDone();
    } catch (x) {
      setError(problemText(x, t('admin.notDone')));
    }
  };
  return (
    <Overlay title={`${t('sources.keyNew')} ${source.id}`} onClose={onClose} width={560}>
      {made ? (
        <div className="overlay-body form">
          {made.url ? (
            <>
              <div className="tabs" role="tablist">
                {made.uses.map((u, i) => (
                  <button key={u.name} type="button" role="tab" aria-selected={i === shown} onClick={() => setShown(i)}>
                    {u.name}
                  </button>
                ))}
              </div>
              <Secret key={shown} value={made.uses[shown]?.text ?? ''} />
              <p className="hint">{t(made.url.startsWith('https') ? 'sources.keyAuthority' : 'sources.keyPlain')}</p>
            </>
          ) : (
            <>
              <Secret value={`${made.key.id}:${made.secret}`} />
              <p className="banner banner-warn">{t('sources.keyNoListener')}</p>
            </>
          )}
        </div>
      ) : (
        <form className="overlay-body form" onSubmit={submit}>
          <p>{t('sources.keyHint')}</p>
          <div>
            <label htmlFor="key-label">{t('sources.keyLabel')}</label>
            <Input id="key-label" value={label} onChange={(e) => setLabel(e.target.value)} maxLength={100} autoFocus />
          </div>
          {others && (
            <div>
              <label htmlFor="key-follow">{t('sources.keyOthers')}</label>
              <select id="key-follow" className="select" value={follow} onChange={(e) => setFollow(e.target.value)}>
                <option value="168">{t('sources.keyIn', { time: t('unit.days', { count: 7 }) })}</option>
                <option value="24">{t('sources.keyIn', { time: t('sources.hours', { count: 24 }) })}</option>
                <option value="0">{t('sources.keyAtOnce')}</option>
                <option value="">{t('sources.keyStay')}</option>
              </select>
            </div>
          )}
          {error && (
            <p className="banner banner-danger" role="alert">
              {error}
            </p>
          )}
          <div className="row">
            <Button type="primary" htmlType="submit">
              {t('sources.keyMake')}
            </Button>
            <Button onClick={onClose}>{t('act.back')}</Button>
          </div>
        </form>
      )}
    </Overlay>
  );
}

function Revoke({ source, held, onClose, onDone }: { source: string; held: SourceKey; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const revoke = async (e: FormEvent) => {
    e.preventDefault();
    try {
      await take(client.DELETE('/api/sources/{id}/keys/{key}', { params: { path: { id: source, key: held.id } } }));
      toast({ text: t('admin.revoked', { name: held.id }) });
      onDone();
    } catch (x) {
      toast({ kind: 'error', text: problemText(x, t('admin.notDone')) });
    }
  };
  return (
    <Overlay title={`${t('admin.revoke')} ${held.id}`} onClose={onClose} width={440}>
      <form className="overlay-body form" onSubmit={revoke}>
        <p>{t('sources.keyRevokeHint')}</p>
        <div className="row">
          <Button type="primary" danger htmlType="submit">
            {t('admin.revoke')}
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </form>
    </Overlay>
  );
}
