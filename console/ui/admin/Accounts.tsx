import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Account, client, ProblemError, take } from '../api/client';
import { Choice, TextField } from '../design/fields';
import { PostureSign } from '../design/signs';
import { Failed, Loading, problemText, Unread } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Age, Exact } from '../design/Time';
import { toast } from '../design/toast';
import { FormSheet } from '../frame/FormSheet';
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
        <Overlay title={t('admin.linkFor', { name: link.name })} onClose={() => setLink(null)} width={560} once>
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
  const [warned, setWarned] = useState(false);
  const [acknowledged, setAcknowledged] = useState(false);
  const units = useQuery({ queryKey: ['units'], queryFn: () => take(client.GET('/api/units')), staleTime: 300_000 });
  const save = async () => {
    if (account) {
      const body = { name, roles: roles as never, unit, enabled, acknowledged, version: account.version };
      await take(client.PUT('/api/accounts/{id}', { params: { path: { id: account.id } }, body }));
      onDone();
      return;
    }
    const body = { login: login.trim(), name: name.trim(), roles: roles as never, acknowledged, ...(unit ? { unit } : {}) };
    const r = await take(client.POST('/api/accounts', { body }));
    onDone({ link: r.link, expires: r.expires, name: r.account.login });
  };
  return (
    <FormSheet
      title={account ? `${t('admin.change')} ${account.login}` : t('admin.invite')}
      action={account ? t('act.save') : t('admin.makeLink')}
      ready={roles.length > 0 && name.trim() !== '' && (account !== undefined || login.trim() !== '')}
      save={save}
      failed={t('admin.notDone')}
      onProblem={(x) => {
        if (x instanceof ProblemError && (x.problem.code === 'roles_warning' || x.problem.code === 'roles_conflict'))
          setWarned(true);
      }}
      onClose={onClose}
      below={
        warned && (
          <label className="check">
            <input type="checkbox" checked={acknowledged} onChange={(e) => setAcknowledged(e.target.checked)} />{' '}
            {t('admin.acknowledge')}
          </label>
        )
      }
    >
      {!account && (
        <TextField
          id="acc-login"
          label={t('entry.login')}
          hint={t('first.loginHint')}
          value={login}
          onChange={setLogin}
          autoFocus
          maxLength={64}
          spellCheck={false}
          autoCapitalize="none"
        />
      )}
      <TextField id="acc-name" label={t('first.name')} value={name} onChange={setName} maxLength={120} />
      <RoleField value={roles} onChange={setRoles} />
      {roles.includes('owner') && (
        <>
          <Choice
            id="acc-unit"
            label={t('admin.unit')}
            value={unit}
            onChange={setUnit}
            options={[['', '–'], ...(units.data?.items ?? []).map((u) => [u.id, u.name] as const)]}
          />
          <Unread list={units} what="units" />
        </>
      )}
      {account && (
        <label className="check">
          <input type="checkbox" checked={enabled} onChange={(e) => setEnabled(e.target.checked)} /> {t('admin.enabled')}
        </label>
      )}
    </FormSheet>
  );
}
