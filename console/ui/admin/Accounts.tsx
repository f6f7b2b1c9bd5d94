import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Account, client, ProblemError, take } from '../api/client';
import { PostureSign } from '../design/signs';
import { Failed, Loading, problemText } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Age, Exact } from '../design/Time';
import { toast } from '../design/toast';
import { Overlay } from '../frame/Overlay';
import { useMay } from '../session/session';
import { RoleField } from './RoleField';
import { Secret } from './Secret';

export function Accounts() {
  const { t } = useTranslation();
  const may = useMay('accounts.write');
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ['accounts'], queryFn: () => take(client.GET('/api/accounts')) });
  const [form, setForm] = useState<Account | 'new' | null>(null);
  const [link, setLink] = useState<{ link: string; expires: string | null; name: string } | null>(null);
  const refresh = () => queries.invalidateQueries({ queryKey: ['accounts'] });
  if (list.isPending) return <Loading what="accounts" />;
  if (!list.data) return <Failed error={list.error} what="accounts" retry={() => list.refetch()} />;
  const reset = async (a: Account) => {
    try {
      const r = await take(client.POST('/api/accounts/{id}/link', { params: { path: { id: a.id } } }));
      setLink({ link: r.link, expires: r.expires, name: a.login });
      refresh();
    } catch (e) {
      toast({ kind: 'error', text: problemText(e, t('admin.notDone')) });
    }
  };
  return (
    <section className="card">
      <div className="card-head">
        <h2>{t('admin.section.accounts')}</h2>
        <span className="num muted">{list.data.total}</span>
        <div className="end">{may && <Button onClick={() => setForm('new')}>{t('admin.invite')}</Button>}</div>
      </div>
      <TableWrap label={t('admin.section.accounts')}>
        <table className="plain">
          <thead>
            <tr>
              <th>{t('column.state')}</th>
              <th>{t('admin.person')}</th>
              <th>{t('admin.roles')}</th>
              <th>{t('admin.unit')}</th>
              <th className="right">{t('admin.sessionsN')}</th>
              <th>{t('admin.lastUse')}</th>
              {may && (
                <th>
                  <span className="sr">{t('admin.actions')}</span>
                </th>
              )}
            </tr>
          </thead>
          <tbody>
            {list.data.items.map((a) => (
              <tr key={a.id}>
                <td>
                  <PostureSign
                    state={a.state === 'active' ? 'met' : a.state === 'invited' ? 'not_applicable' : 'not_met'}
                    label={t(`accountState.${a.state}`)}
                  />
                </td>
                <td>
                  {a.name || a.login} <span className="num muted">{a.login}</span>
                </td>
                <td>
                  {a.roles.map((r) => t(`role.${r}`)).join(', ')}{' '}
                  {a.two_roles && <span className="chip chip-warn">{t('admin.twoRoles')}</span>}
                </td>
                <td>{a.unit?.name ?? '–'}</td>
                <td className="num right">{a.sessions}</td>
                <td>
                  <Age at={a.last_use} />
                </td>
                {may && (
                  <td>
                    <span className="row">
                      <button type="button" className="link" onClick={() => setForm(a)}>
                        {t('admin.change')}
                      </button>
                      <button type="button" className="link" onClick={() => reset(a)}>
                        {t('admin.newLink')}
                      </button>
                    </span>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </TableWrap>
      {form && (
        <AccountForm
          account={form === 'new' ? undefined : form}
          onClose={() => setForm(null)}
          onDone={(l) => {
            setForm(null);
            refresh();
            if (l) setLink(l);
          }}
        />
      )}
      {link && (
        <Overlay title={t('admin.linkFor', { name: link.name })} onClose={() => setLink(null)} width={560}>
          <div className="overlay-body form">
            <p>
              {t('admin.linkHint')} <Exact at={link.expires} />
            </p>
            <Secret value={link.link} />
          </div>
        </Overlay>
      )}
    </section>
  );
}

function AccountForm({
  account,
  onClose,
  onDone,
}: {
  account: Account | undefined;
  onClose: () => void;
  onDone: (link?: { link: string; expires: string | null; name: string }) => void;
}) {
  const { t } = useTranslation();
  const [login, setLogin] = useState(account?.login ?? '');
  const [name, setName] = useState(account?.name ?? '');
  const [roles, setRoles] = useState<string[]>(account?.roles ?? []);
  const [unit, setUnit] = useState(account?.unit?.id ?? '');
  const [enabled, setEnabled] = useState(account?.state !== 'disabled');
  const [error, setError] = useState('');
  const [warned, setWarned] = useState(false);
  const [acknowledged, setAcknowledged] = useState(false);
  const units = useQuery({ queryKey: ['units'], queryFn: () => take(client.GET('/api/units')), staleTime: 300_000 });
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    try {
      if (account) {
        await take(
          client.PUT('/api/accounts/{id}', {
            params: { path: { id: account.id } },
            body: { name, roles: roles as never, unit, enabled, acknowledged, version: account.version },
          }),
        );
        onDone();
      } else {
        const r = await take(
          client.POST('/api/accounts', {
            body: { login: login.trim(), name: name.trim(), roles: roles as never, acknowledged, ...(unit ? { unit } : {}) },
          }),
        );
        onDone({ link: r.link, expires: r.expires, name: r.account.login });
      }
    } catch (x) {
      if (x instanceof ProblemError && (x.problem.code === 'roles_warning' || x.problem.code === 'roles_conflict'))
        setWarned(true);
      setError(problemText(x, t('admin.notDone')));
    }
  };
  return (
    <Overlay title={account ? `${t('admin.change')} ${account.login}` : t('admin.invite')} onClose={onClose} width={480}>
      <form className="overlay-body form" onSubmit={submit}>
        {!account && (
          <div>
            <label htmlFor="acc-login">{t('entry.login')}</label>
            <Input
              id="acc-login"
              value={login}
              onChange={(e) => setLogin(e.target.value)}
              required
              autoFocus
              maxLength={64}
              spellCheck={false}
              autoCapitalize="none"
            />
            <p className="hint">{t('first.loginHint')}</p>
          </div>
        )}
        <div>
          <label htmlFor="acc-name">{t('first.name')}</label>
          <Input id="acc-name" value={name} onChange={(e) => setName(e.target.value)} required maxLength={120} />
        </div>
        <RoleField value={roles} onChange={setRoles} />
        {roles.includes('owner') && (
          <div>
            <label htmlFor="acc-unit">{t('admin.unit')}</label>
            <select id="acc-unit" className="select" value={unit} onChange={(e) => setUnit(e.target.value)}>
              <option value="">–</option>
              {(units.data?.items ?? []).map((u) => (
                <option key={u.id} value={u.id}>
                  {u.name}
                </option>
              ))}
            </select>
          </div>
        )}
        {account && (
          <label className="check">
            <input type="checkbox" checked={enabled} onChange={(e) => setEnabled(e.target.checked)} /> {t('admin.enabled')}
          </label>
        )}
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        {warned && (
          <label className="check">
            <input type="checkbox" checked={acknowledged} onChange={(e) => setAcknowledged(e.target.checked)} />{' '}
            {t('admin.acknowledge')}
          </label>
        )}
        <div className="row">
          <Button type="primary" htmlType="submit" disabled={roles.length === 0}>
            {account ? t('act.save') : t('admin.makeLink')}
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </form>
    </Overlay>
  );
}
