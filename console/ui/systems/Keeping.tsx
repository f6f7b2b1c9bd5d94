import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { client, ProblemError, take } from '../api/client';
import { problemText } from '../design/states';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { Overlay } from '../frame/Overlay';

/** What of the inventory can leave use, come back or be deleted. */
export interface Kept {
  kind: 'units' | 'systems' | 'assets' | 'sources';
  id: string;
  name: string;
  version: number;
  retired?: string | null | undefined;
}

const retire = (k: Kept, retired: boolean, reason: string): Promise<unknown> => {
  const given = { params: { path: { id: k.id } }, body: { retired, reason, version: k.version } };
  if (k.kind === 'units') return take(client.PUT('/api/units/{id}/retired', given));
  if (k.kind === 'systems') return take(client.PUT('/api/systems/{id}/retired', given));
  if (k.kind === 'assets') return take(client.PUT('/api/assets/{id}/retired', given));
  return take(client.PUT('/api/sources/{id}/retired', given));
};

const remove = (k: Kept): Promise<unknown> => {
  const given = { params: { path: { id: k.id }, query: { version: k.version } } };
  if (k.kind === 'units') return take(client.DELETE('/api/units/{id}', given));
  if (k.kind === 'systems') return take(client.DELETE('/api/systems/{id}', given));
  if (k.kind === 'assets') return take(client.DELETE('/api/assets/{id}', given));
  return take(client.DELETE('/api/sources/{id}', given));
};

/** What stands in the way, each with the page where it can be seen. */
function Uses({ error }: { error: unknown }) {
  const { t } = useTranslation();
  const uses = error instanceof ProblemError ? (error.problem.uses ?? []) : [];
  return (
    <div className="banner banner-danger" role="alert">
      <p>{problemText(error, t('admin.notDone'))}</p>
      {uses.length > 0 && (
        <ul className="uses">
          {uses.slice(0, 20).map((u) => {
            const name = <Evidence value={u.name || u.id || u.kind} />;
            return (
              <li key={`${u.kind}${u.id}${u.name}`}>
                {t(`keeping.use.${u.kind}`, u.kind)} {u.page ? <Link to={u.page}>{name}</Link> : name}
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

/** Takes a thing out of use (its history stays), back into use, or deletes one that nothing refers to. */
export function Keeping({ thing, onClose, onDone }: { thing: Kept; onClose: () => void; onDone: (gone: boolean) => void }) {
  const { t } = useTranslation();
  const [reason, setReason] = useState('');
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const back = Boolean(thing.retired);
  const act = async (deed: () => Promise<unknown>, said: string, gone: boolean) => {
    setBusy(true);
    setError(undefined);
    try {
      await deed();
      toast({ text: t(said, { name: thing.name }) });
      onDone(gone);
      onClose();
    } catch (e) {
      setError(e);
    } finally {
      setBusy(false);
    }
  };
  const submit = (e: FormEvent) => {
    e.preventDefault();
    if (reason.trim()) act(() => retire(thing, !back, reason.trim()), back ? 'keeping.didBack' : 'keeping.didRetire', false);
  };
  return (
    <Overlay title={t('keeping.title', { name: thing.name })} onClose={onClose} width={520} busy={busy}>
      <div className="overlay-body form">
        {error !== undefined && <Uses error={error} />}
        <form className="form" onSubmit={submit}>
          <p>{t(back ? 'keeping.backHint' : 'keeping.retireHint')}</p>
          <div>
            <label htmlFor="keep-reason">{t('sources.reason')}</label>
            <Input id="keep-reason" value={reason} maxLength={400} autoFocus onChange={(e) => setReason(e.target.value)} />
          </div>
          <div>
            <Button type="primary" htmlType="submit" disabled={!reason.trim()} loading={busy}>
              {t(back ? 'keeping.back' : 'keeping.retire')}
            </Button>
          </div>
        </form>
        <hr className="line" />
        <p>{t('keeping.deleteHint')}</p>
        <div>
          <label htmlFor="keep-name">{t('keeping.typeId', { id: thing.id })}</label>
          <Input id="keep-name" className="num" value={typed} onChange={(e) => setTyped(e.target.value)} />
        </div>
        <div className="row">
          <Button
            danger
            disabled={typed.trim() !== thing.id}
            loading={busy}
            onClick={() => act(() => remove(thing), 'keeping.didDelete', true)}
          >
            {t('keeping.delete')}
          </Button>
          <Button onClick={onClose} disabled={busy}>
            {t('act.back')}
          </Button>
        </div>
      </div>
    </Overlay>
  );
}
