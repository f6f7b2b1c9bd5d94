import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { Field, focusWrong } from '../design/Field';
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

type Wrong = Record<string, string | undefined>;

/** Asks for the present password and a code of the second factor: each has what is wrong with it beside it, in our words. */
function Proof({
  of,
  value,
  onChange,
  wrong,
}: {
  /** before the ids of the fields */
  of: string;
  value: { password: string; code: string };
  onChange: (k: 'password' | 'code', v: string) => void;
  wrong: Wrong;
}) {
  const { t } = useTranslation();
  return (
    <>
      <Field id={`${of}-now`} label={t('me.present')} wrong={wrong[`${of}-now`]}>
        {(tied) => (
          <Input.Password
            {...tied}
            autoComplete="current-password"
            value={value.password}
            onChange={(e) => onChange('password', e.target.value)}
          />
        )}
      </Field>
      <Field id={`${of}-code`} label={t('entry.code')} hint={t('entry.codeHint')} wrong={wrong[`${of}-code`]}>
        {(tied) => (
          <Input
            {...tied}
            className="num"
            autoComplete="one-time-code"
            value={value.code}
            onChange={(e) => onChange('code', e.target.value)}
          />
        )}
      </Field>
    </>
  );
}

function Password() {
  const { t } = useTranslation();
  const empty = { password: '', next: '', again: '', code: '' };
  const [f, setF] = useState(empty);
  const [wrong, setWrong] = useState<Wrong>({});
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setError('');
    const length = [...f.next].length;
    const found = {
      'me-new': length >= 12 ? undefined : t('first.passwordRule', { n: length }),
      'me-again': f.next === f.again ? undefined : t('first.passwordAgain'),
      'me-now': f.password ? undefined : t('me.presentEmpty'),
      'me-code': f.code.trim() ? undefined : t('me.codeEmpty'),
    };
    setWrong(found);
    if (focusWrong(found)) return;
    setBusy(true);
    try {
      await take(client.PUT('/api/me/password', { body: { password: f.password, new: f.next, code: f.code.trim() } }));
      setF(empty);
      toast({ text: t('me.passwordChanged') });
    } catch (x) {
      setError(problemText(x, t('admin.notDone')));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="card">
      <form className="form" onSubmit={submit} noValidate>
        <h2>{t('me.password')}</h2>
        <Field id="me-new" label={t('me.new')} hint={t('first.passwordHint')} wrong={wrong['me-new']}>
          {(tied) => (
            <Input.Password
              {...tied}
              autoComplete="new-password"
              value={f.next}
              onChange={(e) => setF({ ...f, next: e.target.value })}
            />
          )}
        </Field>
        <Field id="me-again" label={t('first.again')} wrong={wrong['me-again']}>
          {(tied) => (
            <Input.Password
              {...tied}
              autoComplete="new-password"
              value={f.again}
              onChange={(e) => setF({ ...f, again: e.target.value })}
            />
          )}
        </Field>
        <Proof of="me" value={f} onChange={(k, v) => setF({ ...f, [k]: v })} wrong={wrong} />
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div>
          <Button htmlType="submit" loading={busy}>
            {t('me.change')}
          </Button>
        </div>
      </form>
    </section>
  );
}

function Codes({ left }: { left: number }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const [f, setF] = useState({ password: '', code: '' });
  const [codes, setCodes] = useState<string[]>([]);
  const [wrong, setWrong] = useState<Wrong>({});
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setError('');
    const found = {
      'codes-now': f.password ? undefined : t('me.presentEmpty'),
      'codes-code': f.code.trim() ? undefined : t('me.codeEmpty'),
    };
    setWrong(found);
    if (focusWrong(found)) return;
    setBusy(true);
    try {
      const r = await take(client.POST('/api/me/recovery-codes', { body: { password: f.password, code: f.code.trim() } }));
      setCodes(r.recovery_codes);
      setF({ password: '', code: '' });
      queries.invalidateQueries({ queryKey: ['me'] });
    } catch (x) {
      setError(problemText(x, t('admin.notDone')));
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className="card">
      <form className="form" onSubmit={submit} noValidate>
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
            <Proof of="codes" value={f} onChange={(k, v) => setF({ ...f, [k]: v })} wrong={wrong} />
            {error && (
              <p className="banner banner-danger" role="alert">
                {error}
              </p>
            )}
            <div>
              <Button htmlType="submit" loading={busy}>
                {t('me.newCodes')}
              </Button>
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
