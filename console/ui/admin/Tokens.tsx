import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type Token, take } from '../api/client';
import { Choice, TextField } from '../design/fields';
import { PostureSign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Age, Exact } from '../design/Time';
import { toast } from '../design/toast';
import { ms } from '../format/time';
import { FormSheet } from '../frame/FormSheet';
import { Overlay } from '../frame/Overlay';
import { serverNow } from '../live/clock';
import { useMay } from '../session/session';
import { RoleField } from './RoleField';
import { Secret } from './Secret';

export function Tokens() {
  const { t } = useTranslation();
  const may = useMay('tokens.write');
  const queries = useQueryClient();
  const list = useQuery({ queryKey: ['tokens'], queryFn: () => take(client.GET('/api/tokens')) });
  const [adding, setAdding] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const refresh = () => queries.invalidateQueries({ queryKey: ['tokens'] });
  if (list.isPending) return <Loading what="tokens" />;
  if (!list.data) return <Failed error={list.error} what="tokens" retry={() => list.refetch()} />;
  return (
    <section className="card">
      <div className="card-head">
        <h2>{t('admin.section.tokens')}</h2>
        <span className="num muted">{list.data.total}</span>
        <div className="end">{may && <Button onClick={() => setAdding(true)}>{t('admin.makeToken')}</Button>}</div>
      </div>
      {list.data.items.length === 0 ? (
        <Empty>{t('admin.noTokens')}</Empty>
      ) : (
        <TableWrap label={t('admin.section.tokens')}>
          <table className="plain">
            <thead>
              <tr>
                <th>{t('column.state')}</th>
                <th>{t('admin.tokenName')}</th>
                <th>{t('admin.roles')}</th>
                <th>{t('admin.by')}</th>
                <th>{t('admin.expires')}</th>
                <th>{t('admin.lastUse')}</th>
                {may && (
                  <th>
                    <span className="sr">{t('admin.actions')}</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {list.data.items.map((k) => {
                const over = (ms(k.expires) ?? 0) < serverNow();
                const state = k.revoked ? 'revoked' : over ? 'expired' : 'active';
                return (
                  <tr key={k.id}>
                    <td>
                      <PostureSign state={state === 'active' ? 'met' : 'not_applicable'} label={t(`tokenState.${state}`)} />
                    </td>
                    <td>
                      {k.name} <span className="num muted">{k.id}</span>
                    </td>
                    <td>
                      {k.roles.map((r) => t(`role.${r}`)).join(', ')} {k.unit?.name}
                    </td>
                    <td>{k.by}</td>
                    <td>
                      <Exact at={k.expires} short />
                    </td>
                    <td>
                      <Age at={k.last_use} />
                    </td>
                    {may && (
                      <td>
                        {state === 'active' && (
                          <button type="button" className="link" onClick={() => setRevoking(k)}>
                            {t('admin.revoke')}
                          </button>
                        )}
                      </td>
                    )}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </TableWrap>
      )}
      {adding && <TokenForm onClose={() => setAdding(false)} onDone={refresh} />}
      {revoking && (
        <Revoke
          token={revoking}
          onClose={() => setRevoking(null)}
          onDone={() => {
            setRevoking(null);
            refresh();
          }}
        />
      )}
    </section>
  );
}

function TokenForm({ onClose, onDone }: { onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState('');
  const [roles, setRoles] = useState<string[]>([]);
  const [days, setDays] = useState('90');
  const [secret, setSecret] = useState('');
  const save = async () => {
    const body = { name: name.trim(), roles: roles as never, days: Number(days) };
    setSecret((await take(client.POST('/api/tokens', { body }))).secret);
    onDone();
  };
  if (secret)
    return (
      <Overlay title={t('admin.makeToken')} onClose={onClose} width={480} once>
        <div className="overlay-body form">
          <p>{t('admin.tokenHint')}</p>
          <Secret value={secret} />
        </div>
      </Overlay>
    );
  return (
    <FormSheet
      title={t('admin.makeToken')}
      action={t('admin.makeToken')}
      ready={name.trim() !== '' && roles.length > 0}
      save={save}
      failed={t('admin.notDone')}
      onClose={onClose}
    >
      <TextField id="tok-name" label={t('admin.tokenName')} value={name} onChange={setName} autoFocus maxLength={120} />
      <RoleField value={roles} onChange={setRoles} />
      <Choice
        id="tok-days"
        label={t('admin.validFor')}
        value={days}
        onChange={setDays}
        options={[7, 30, 90, 180, 365].map((d) => [String(d), t('unit.days', { count: d })] as const)}
      />
    </FormSheet>
  );
}

/** Irreversible: the token's name is typed. */
function Revoke({ token, onClose, onDone }: { token: Token; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [typed, setTyped] = useState('');
  const save = async () => {
    await take(client.DELETE('/api/tokens/{id}', { params: { path: { id: token.id } } }));
    toast({ text: t('admin.revoked', { name: token.name }) });
    onDone();
  };
  return (
    <FormSheet
      title={`${t('admin.revoke')} ${token.name}`}
      width={440}
      action={t('admin.revoke')}
      danger
      ready={typed.trim() === token.name}
      save={save}
      failed={t('admin.notDone')}
      onClose={onClose}
    >
      <p>{t('admin.revokeHint')}</p>
      <TextField id="revoke" label={t('admin.typeName', { name: token.name })} value={typed} onChange={setTyped} autoFocus />
    </FormSheet>
  );
}
