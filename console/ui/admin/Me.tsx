import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { Failed, Loading, problemText } from '../design/states';
import { Pre, TableWrap } from '../design/TableWrap';
import { Age, Exact } from '../design/Time';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { useMe } from '../session/session';

/** One's own account: password, recovery codes, sessions. */
export default function MePage() {
  const { t } = useTranslation();
  const me = useMe();
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('page.me')}</h1>
        <span className="muted small">
          {me.name} <span className="num">{me.login}</span> · {me.roles.map((r) => t(`role.${r}`)).join(', ')}
          {me.unit ? ` · ${me.unit.name}` : ''}
        </span>
      </div>
      <div className="page-body">
        <Password />
        <Codes left={me.recovery_codes_left} />
        <Sessions />
      </div>
    </div>
  );
}

function Password() {
  const { t } = useTranslation();
  const [f, setF] = useState({ password: '', next: '', again: '', code: '' });
  const [error, setError] = useState('');
  const set = (k: keyof typeof f) => (e: { target: { value: string } }) => setF({ ...f, [k]: e.target.value });
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setError('');
    if ([...f.next].length < 12) return setError(t('first.passwordRule', { n: [...f.next].length }));
    if (f.next !== f.again) return setError(t('first.passwordAgain'));
    try {
      await take(client.PUT('/api/me/password', { body: { password: f.password, new: f.next, code: f.code.trim() } }));
      setF({ password: '', next: '', again: '', code: '' });
      toast({ text: t('me.passwordChanged') });
    } catch (x) {
      setError(problemText(x, t('admin.notDone')));
    }
  };
  return (
    <section className="card">
      <form className="form" onSubmit={submit}>
        <h2>{t('me.password')}</h2>
        <div>
          <label htmlFor="me-now">{t('me.present')}</label>
          <Input.Password id="me-now" autoComplete="current-password" value={f.password} onChange={set('password')} required />
        </div>
        <div>
          <label htmlFor="me-new">{t('me.new')}</label>
          <Input.Password id="me-new" autoComplete="new-password" value={f.next} onChange={set('next')} required />
        </div>
        <div>
          <label htmlFor="me-again">{t('first.again')}</label>
          <Input.Password id="me-again" autoComplete="new-password" value={f.again} onChange={set('again')} required />
        </div>
        <div>
          <label htmlFor="me-code">{t('entry.code')}</label>
          <Input id="me-code" className="num" autoComplete="one-time-code" value={f.code} onChange={set('code')} required />
        </div>
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div>
          <Button htmlType="submit">{t('me.change')}</Button>
        </div>
      </form>
    </section>
  );
}

function Codes({ left }: { left: number }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [codes, setCodes] = useState<string[]>([]);
  const [error, setError] = useState('');
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setError('');
    try {
      const r = await take(client.POST('/api/me/recovery-codes', { body: { password, code: code.trim() } }));
      setCodes(r.recovery_codes);
      setPassword('');
      setCode('');
      queries.invalidateQueries({ queryKey: ['me'] });
    } catch (x) {
      setError(problemText(x, t('admin.notDone')));
    }
  };
  return (
    <section className="card">
      <form className="form" onSubmit={submit}>
        <h2>
          {t('first.step.codes')}{' '}
          <span className={left < 3 ? 'chip chip-warn' : 'muted'}>{t('me.codesLeft', { count: left })}</span>
        </h2>
        {codes.length > 0 ? (
          <>
            <p>{t('first.codes')}</p>
            <Pre label={t('first.step.codes')}>{codes.join('\n')}</Pre>
          </>
        ) : (
          <>
            <div>
              <label htmlFor="codes-now">{t('me.present')}</label>
              <Input.Password
                id="codes-now"
                autoComplete="current-password"
                value={password}
                onChange={(e) => setPassword(e.target.value)}
                required
              />
            </div>
            <div>
              <label htmlFor="codes-code">{t('entry.code')}</label>
              <Input
                id="codes-code"
                className="num"
                autoComplete="one-time-code"
                value={code}
                onChange={(e) => setCode(e.target.value)}
                required
              />
            </div>
            {error && (
              <p className="banner banner-danger" role="alert">
                {error}
              </p>
            )}
            <div>
              <Button htmlType="submit">{t('me.newCodes')}</Button>
            </div>
          </>
        )}
      </form>
    </section>
  );
}

export function Sessions({ all }: { all?: boolean }) {
  const { t } = useTranslation();
  const me = useMe();
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ['sessions'], queryFn: () => take(client.GET('/api/sessions')) });
  if (list.isPending) return <Loading what="sessions" rows={3} />;
  if (!list.data) return <Failed error={list.error} what="sessions" retry={() => list.refetch()} />;
  const end = async (id: string) => {
    try {
      await take(client.DELETE('/api/sessions/{id}', { params: { path: { id } } }));
      queries.invalidateQueries({ queryKey: ['sessions'] });
      toast({ text: t('me.ended') });
    } catch (e) {
      toast({ kind: 'error', text: problemText(e, t('admin.notDone')) });
    }
  };
  return (
    <section className="card">
      <h2>{t('admin.section.sessions')}</h2>
      <TableWrap label={t('admin.section.sessions')}>
        <table className="plain">
          <thead>
            <tr>
              <th>{t('admin.person')}</th>
              <th>{t('field.address')}</th>
              <th>{t('me.agent')}</th>
              <th>{t('me.started')}</th>
              <th>{t('me.seen')}</th>
              <th>
                <span className="sr">{t('admin.actions')}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {list.data.items
              .filter((s) => all || s.account.id === me.id)
              .map((s) => (
                <tr key={s.id}>
                  <td>{s.account.name || s.account.id}</td>
                  <td>
                    <Evidence value={s.address} />
                  </td>
                  <td>
                    <Evidence value={s.agent} className="cut block agent" />
                  </td>
                  <td>
                    <Exact at={s.started} short />
                  </td>
                  <td>
                    <Age at={s.seen} />
                  </td>
                  <td>
                    {s.current ? (
                      <span className="chip">{t('me.current')}</span>
                    ) : (
                      <button type="button" className="link" onClick={() => end(s.id)}>
                        {t('me.end')}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
      </TableWrap>
    </section>
  );
}
