import { useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type Me, ProblemError, take } from '../api/client';
import { Field, focusWrong } from '../design/Field';
import { Mark } from '../design/icons';
import { problemText, Unread } from '../design/states';
import { EntryFoot } from './EntryFoot';

/** Log-in, on a page of its own or above the page when the session has ended. */
export default function Login({ onDone, again }: { onDone: (me: Me) => void; again?: string }) {
  const { t } = useTranslation();
  const site = useQuery({ queryKey: ['site'], queryFn: () => take(client.GET('/api/site')) });
  const [login, setLogin] = useState(again ?? '');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Record<string, string | undefined>>({});
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setError('');
    const found = {
      login: login.trim() ? undefined : t('entry.loginEmpty'),
      password: password ? undefined : t('entry.passwordEmpty'),
    };
    setWrong(found);
    if (focusWrong(found)) return;
    setBusy(true);
    try {
      onDone(
        await take(
          client.POST('/api/login', {
            body: { login: login.trim().toLowerCase(), password, ...(code.trim() ? { code: code.trim() } : {}) },
          }),
        ),
      );
    } catch (x) {
      setError(x instanceof ProblemError && x.status === 0 ? t('state.away') : problemText(x, t('entry.wrong')));
      setCode('');
    } finally {
      setBusy(false);
    }
  };
  const Around = again ? 'div' : 'main'; // above a page, which has a main of its own
  return (
    <Around
      className={again ? 'entry entry-over' : 'entry'}
      {...(again ? { role: 'dialog', 'aria-modal': true, 'aria-labelledby': 'entry-title' } : {})}
    >
      <form className="entry-card" onSubmit={submit} noValidate aria-labelledby="entry-title">
        <div className="entry-brand">
          <Mark size={36} />
          <div>
            <h1 id="entry-title">{site.data?.name || 'Hoa Lư'}</h1>
            <p className="muted small">{site.data?.unit || t('entry.product')}</p>
          </div>
        </div>
        {again && <p className="banner banner-warn">{t('entry.ended')}</p>}
        <Unread list={site} what="page" />
        {site.data?.first && <p className="banner banner-info">{t('entry.firstLink')}</p>}
        <div className="form">
          <Field id="login" label={t('entry.login')} wrong={wrong.login}>
            {(tied) => (
              <Input
                {...tied}
                name="username"
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                autoFocus={!again}
                value={login}
                onChange={(e) => setLogin(e.target.value)}
              />
            )}
          </Field>
          <Field id="password" label={t('entry.password')} wrong={wrong.password}>
            {(tied) => (
              <Input.Password
                {...tied}
                name="password"
                autoComplete="current-password"
                autoFocus={Boolean(again)}
                value={password}
                onChange={(e) => setPassword(e.target.value)}
              />
            )}
          </Field>
          <div>
            <label htmlFor="code">{t('entry.code')}</label>
            <Input
              id="code"
              name="one-time-code"
              className="num"
              autoComplete="one-time-code"
              inputMode="text"
              spellCheck={false}
              value={code}
              onChange={(e) => setCode(e.target.value)}
            />
            <p className="hint">{t('entry.codeHint')}</p>
          </div>
        </div>
        <div role="alert">{error && <p className="banner banner-danger">{error}</p>}</div>
        <Button type="primary" htmlType="submit" loading={busy}>
          {t('entry.enter')}
        </Button>
        <EntryFoot />
      </form>
    </Around>
  );
}
