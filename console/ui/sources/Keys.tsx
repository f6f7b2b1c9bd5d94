import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Secret } from '../admin/Secret';
import { client, take } from '../api/client';
import type { SourceDetail, SourceKey, SourceKeyMade } from '../api/schema';
import { Choice, TextField } from '../design/fields';
import { Exact } from '../design/Time';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { FormSheet } from '../frame/FormSheet';
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
            {k.used ? (
              <>
                {t('sources.keyUsed')} <Exact at={k.used} />
              </>
            ) : (
              t('sources.keyUnused')
            )}
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
  const others = source.keys.some((k) => k.kind === 'key');
  const title = `${t('sources.keyNew')} ${source.id}`;
  const save = async () => {
    const body = { label: label.trim(), ...(others && follow ? { follow_hours: Number(follow) } : {}) };
    setMade(await take(client.POST('/api/sources/{id}/keys', { params: { path: { id: source.id } }, body })));
    queries.invalidateQueries({ queryKey: ['sources'] });
    onDone();
  };
  if (made) return <KeyMade made={made} title={title} onClose={onClose} />;
  return (
    <FormSheet title={title} width={560} action={t('sources.keyMake')} save={save} failed={t('admin.notDone')} onClose={onClose}>
      <p>{t('sources.keyHint')}</p>
      <TextField id="key-label" label={t('sources.keyLabel')} value={label} onChange={setLabel} maxLength={100} autoFocus />
      {others && (
        <Choice
          id="key-follow"
          label={t('sources.keyOthers')}
          value={follow}
          onChange={setFollow}
          options={[
            ['168', t('sources.keyIn', { time: t('unit.days', { count: 7 }) })],
            ['24', t('sources.keyIn', { time: t('sources.hours', { count: 24 }) })],
            ['0', t('sources.keyAtOnce')],
            ['', t('sources.keyStay')],
          ]}
        />
      )}
    </FormSheet>
  );
}

/** The key, shown once, as each kind of sender wants it. */
function KeyMade({ made, title, onClose }: { made: SourceKeyMade; title: string; onClose: () => void }) {
  const { t } = useTranslation();
  const [shown, setShown] = useState(0);
  return (
    <Overlay title={title} onClose={onClose} width={560} once>
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
    </Overlay>
  );
}

/** Irreversible: the key's id is typed. */
function Revoke({ source, held, onClose, onDone }: { source: string; held: SourceKey; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const save = async () => {
    await take(client.DELETE('/api/sources/{id}/keys/{key}', { params: { path: { id: source, key: held.id } } }));
    toast({ text: t('admin.revoked', { name: held.id }) });
    onDone();
  };
  return (
    <FormSheet
      title={`${t('admin.revoke')} ${held.id}`}
      width={440}
      action={t('admin.revoke')}
      danger
      ready={typed.trim() === held.id}
      save={save}
      failed={t('admin.notDone')}
      onClose={onClose}
    >
      <p>{t('sources.keyRevokeHint')}</p>
      <TextField id="revoke" label={t('admin.typeName', { name: held.id })} value={typed} onChange={setTyped} machine autoFocus />
    </FormSheet>
  );
}
