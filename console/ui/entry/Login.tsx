import { useQuery } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type Me, ProblemError, take } from '../api/client';
import { Mark } from '../design/icons';
import { problemText } from '../design/states';
import { setLanguage } from '../locales/i18n';
import { useLang } from '../session/preferences';

/** Log-in, on a page of its own or above the page when the session has ended. */
export default function Login({ onDone, again }: { onDone: (me: Me) => void; again?: string }) {
  const { t } = useTranslation();
  const lang = useLang();
  const site = useQuery({ queryKey: ['site'], queryFn: () => take(client.GET('/api/site')) });
  const [login, setLogin] = useState(again ?? '');
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError('');
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
  const other = lang === 'vi' ? 'en' : 'vi';
  return (
    <Around
      className={again ? 'entry entry-over' : 'entry'}
      {...(again ? { role: 'dialog', 'aria-modal': true, 'aria-labelledby': 'entry-title' } : {})}
    >
      <form className="entry-card" onSubmit={submit} aria-labelledby="entry-title">
        <div className="entry-brand">
          <Mark size={36} />
          <div>
            <h1 id="entry-title">{site.data?.name || 'Hoa Lư'}</h1>
            <p className="muted small">{site.data?.unit || t('entry.product')}</p>
          </div>
        </div>
        {again && <p className="banner banner-warn">{t('entry.ended')}</p>}
        {site.data?.first && <p className="banner banner-info">{t('entry.firstLink')}</p>}
        <div className="form">
          <div>
            <label htmlFor="login">{t('entry.login')}</label>
            <Input
              id="login"
              name="username"
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              autoFocus={!again}
              required
              value={login}
              onChange={(e) => setLogin(e.target.value)}
            />
          </div>
          <div>
            <label htmlFor="password">{t('entry.password')}</label>
            <Input.Password
              id="password"
              name="password"
              autoComplete="current-password"
              autoFocus={Boolean(again)}
              required
              value={password}
              onChange={(e) => setPassword(e.target.value)}
            />
          </div>
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
        <p className="entry-foot">
          <span>{t('entry.logged')}</span>
          <button type="button" className="link" onClick={() => setLanguage(other)} lang={other}>
            {other === 'vi' ? 'Tiếng Việt' : 'English'}
          </button>
        </p>
      </form>
    </Around>
  );
}
