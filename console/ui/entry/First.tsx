import { useQueryClient } from '@tanstack/react-query';
import { Button, Checkbox, Input } from 'antd';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { client, type FirstDone, type FirstStart, take } from '../api/client';
import { Mark } from '../design/icons';
import { problemText } from '../design/states';
import { meKey } from '../session/session';
import { Qr } from './Qr';

const KEPT = 'hoalu.first';

/** The token of the one-time link leaves the address bar at once and is forgotten when the account exists. */
function takeToken(): string {
  const fromLink = location.hash.slice(1);
  if (fromLink) {
    sessionStorage.setItem(KEPT, fromLink);
    history.replaceState(null, '', '/first');
  }
  return fromLink || sessionStorage.getItem(KEPT) || '';
}

export default function First() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [token, setToken] = useState(takeToken);
  useEffect(() => {
    const again = () => setToken(takeToken());
    addEventListener('hashchange', again);
    return () => removeEventListener('hashchange', again);
  }, []);
  const [start, setStart] = useState<FirstStart>();
  const [done, setDone] = useState<FirstDone>();
  const [step, setStep] = useState<'name' | 'code' | 'codes'>('name');
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const [f, setF] = useState({ login: '', name: '', password: '', again: '', code: '', site: '' });
  const [saved, setSaved] = useState(false);
  const set = (k: keyof typeof f) => (e: { target: { value: string } }) => setF({ ...f, [k]: e.target.value });

  useEffect(() => {
    if (!token) {
      setError(t('first.noLink'));
      return;
    }
    setError('');
    take(client.POST('/api/first/start', { body: { token } })).then(
      (s) => {
        setStart(s);
        setF((old) => ({ ...old, login: s.login ?? '', name: s.name ?? '', site: s.site.name ?? '' }));
      },
      (e: unknown) => setError(problemText(e, t('first.badLink'))),
    );
  }, [token, t]);

  const next = (e: FormEvent) => {
    e.preventDefault();
    if (!/^[a-z0-9][a-z0-9._-]+$/.test(f.login)) setError(t('first.loginRule'));
    else if ([...f.password].length < 12) setError(t('first.passwordRule', { n: [...f.password].length }));
    else if (f.password !== f.again) setError(t('first.passwordAgain'));
    else {
      setError('');
      setStep('code');
    }
  };
  const finish = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError('');
    try {
      const r = await take(
        client.POST('/api/first', {
          body: {
            token,
            login: f.login,
            password: f.password,
            code: f.code.replace(/\s/g, ''),
            ...(f.name ? { name: f.name } : {}),
            ...(start?.kind === 'first' && f.site ? { site_name: f.site } : {}),
          },
        }),
      );
      sessionStorage.removeItem(KEPT);
      setDone(r);
      setStep('codes');
    } catch (x) {
      setError(problemText(x, t('first.failed')));
    } finally {
      setBusy(false);
    }
  };
  const download = () => {
    const blob = new Blob([`Hoa Lư · ${f.login}\n\n${done?.recovery_codes.join('\n')}\n`], { type: 'text/plain' });
    const a = document.createElement('a');
    a.href = URL.createObjectURL(blob);
    a.download = `hoalu-${f.login}.txt`;
    a.click();
    URL.revokeObjectURL(a.href);
    setSaved(true);
  };
  const steps = ['name', 'code', 'codes'] as const;
  return (
    <main className="entry">
      <div className="entry-card wide">
        <div className="entry-brand">
          <Mark size={36} />
          <div>
            <h1>{start ? t(`first.title.${start.kind}`) : t('first.title.first')}</h1>
            <p className="muted small">{start?.site.name || 'Hoa Lư'}</p>
          </div>
        </div>
        <ol className="steps-head">
          {steps.map((s, i) => (
            <li key={s} aria-current={s === step ? 'step' : undefined}>
              {i + 1}. {t(`first.step.${s}`)}
            </li>
          ))}
        </ol>
        {start && step === 'name' && (
          <form className="form" onSubmit={next}>
            {start.kind === 'first' && (
              <div>
                <label htmlFor="site">{t('first.site')}</label>
                <Input id="site" value={f.site} onChange={set('site')} maxLength={120} placeholder={t('first.sitePlaceholder')} />
              </div>
            )}
            <div>
              <label htmlFor="login">{t('entry.login')}</label>
              <Input
                id="login"
                name="username"
                autoComplete="username"
                autoCapitalize="none"
                spellCheck={false}
                autoFocus
                required
                value={f.login}
                onChange={set('login')}
                readOnly={Boolean(start.login)}
              />
              <p className="hint">{t('first.loginHint')}</p>
            </div>
            <div>
              <label htmlFor="name">{t('first.name')}</label>
              <Input id="name" name="name" autoComplete="name" value={f.name} onChange={set('name')} maxLength={120} />
            </div>
            <div>
              <label htmlFor="password">{t('entry.password')}</label>
              <Input.Password
                id="password"
                name="password"
                autoComplete="new-password"
                required
                value={f.password}
                onChange={set('password')}
              />
              <p className="hint">{t('first.passwordHint')}</p>
            </div>
            <div>
              <label htmlFor="again">{t('first.again')}</label>
              <Input.Password
                id="again"
                name="again"
                autoComplete="new-password"
                required
                value={f.again}
                onChange={set('again')}
              />
            </div>
            <div role="alert">{error && <p className="banner banner-danger">{error}</p>}</div>
            <div>
              <Button type="primary" htmlType="submit">
                {t('first.next')}
              </Button>
            </div>
          </form>
        )}
        {start && step === 'code' && (
          <form className="form" onSubmit={finish}>
            <p>{t('first.scan')}</p>
            <div className="qr">
              <Qr text={start.totp_url} label={t('first.qr')} />
              <div>
                <p className="muted small">{t('first.orType')}</p>
                <p className="secret" data-testid="totp-secret">
                  {start.totp_secret}
                </p>
              </div>
            </div>
            <div>
              <label htmlFor="code">{t('first.code')}</label>
              <Input
                id="code"
                className="num"
                name="one-time-code"
                autoComplete="one-time-code"
                inputMode="numeric"
                maxLength={7}
                autoFocus
                required
                value={f.code}
                onChange={set('code')}
              />
            </div>
            <div role="alert">{error && <p className="banner banner-danger">{error}</p>}</div>
            <div className="row">
              <Button type="primary" htmlType="submit" loading={busy}>
                {t('first.create')}
              </Button>
              <Button
                onClick={() => {
                  setError('');
                  setStep('name');
                }}
              >
                {t('act.back')}
              </Button>
            </div>
          </form>
        )}
        {done && step === 'codes' && (
          <div className="form">
            <p>{t('first.codes')}</p>
            <ul className="codes">
              {done.recovery_codes.map((c) => (
                <li key={c}>{c}</li>
              ))}
            </ul>
            <div className="row">
              <Button onClick={download}>{t('first.download')}</Button>
              <Button
                onClick={() => {
                  print();
                  setSaved(true);
                }}
              >
                {t('first.print')}
              </Button>
            </div>
            <Checkbox checked={saved} onChange={(e) => setSaved(e.target.checked)}>
              {t('first.saved')}
            </Checkbox>
            <div>
              <Button
                type="primary"
                disabled={!saved}
                onClick={() => {
                  queries.setQueryData(meKey, done.me);
                  navigate('/', { replace: true });
                }}
              >
                {t('first.enter')}
              </Button>
            </div>
          </div>
        )}
        {!start && error && (
          <div role="alert">
            <p className="banner banner-danger">{error}</p>
          </div>
        )}
        <p className="entry-foot">
          <span>{t('entry.logged')}</span>
        </p>
      </div>
    </main>
  );
}
