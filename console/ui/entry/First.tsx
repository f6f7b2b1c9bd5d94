import { useQueryClient } from '@tanstack/react-query';
import { Button, Checkbox, Input } from 'antd';
import { type FormEvent, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { client, type FirstDone, type FirstStart, take } from '../api/client';
import { Field, focusWrong } from '../design/Field';
import { Mark } from '../design/icons';
import { problemText } from '../design/states';
import { meKey } from '../session/session';
import { EntryFoot } from './EntryFoot';
import { Qr } from './Qr';
import { TotpKey } from './TotpKey';

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

  const [wrong, setWrong] = useState<Record<string, string | undefined>>({});
  const next = (e: FormEvent) => {
    e.preventDefault();
    setError('');
    const length = [...f.password].length;
    const found = {
      login: /^[a-z0-9][a-z0-9._-]+$/.test(f.login) ? undefined : t(f.login ? 'first.loginRule' : 'first.loginEmpty'),
      password: length >= 12 ? undefined : t('first.passwordRule', { n: length }),
      again: f.password === f.again ? undefined : t('first.passwordAgain'),
    };
    setWrong(found);
    if (!focusWrong(found)) setStep('code');
  };
  const finish = async (e: FormEvent) => {
    e.preventDefault();
    setError('');
    const code = f.code.replace(/\s/g, '');
    const found = { code: /^\d{6}$/.test(code) ? undefined : t('first.codeRule') };
    setWrong(found);
    if (focusWrong(found)) return;
    setBusy(true);
    try {
      const r = await take(
        client.POST('/api/first', {
          body: {
            token,
            login: f.login,
            password: f.password,
            code,
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
          <form className="form" onSubmit={next} noValidate>
            {start.kind === 'first' && (
              <Field id="site" label={t('first.site')}>
                {(tied) => (
                  <Input
                    {...tied}
                    value={f.site}
                    onChange={set('site')}
                    maxLength={120}
                    placeholder={t('first.sitePlaceholder')}
                  />
                )}
              </Field>
            )}
            <Field id="login" label={t('entry.login')} hint={t('first.loginHint')} wrong={wrong.login}>
              {(tied) => (
                <Input
                  {...tied}
                  name="username"
                  autoComplete="username"
                  autoCapitalize="none"
                  spellCheck={false}
                  autoFocus
                  value={f.login}
                  onChange={set('login')}
                  readOnly={Boolean(start.login)}
                />
              )}
            </Field>
            <Field id="name" label={t('first.name')}>
              {(tied) => (
                <Input {...tied} name="name" autoComplete="name" value={f.name} onChange={set('name')} maxLength={120} />
              )}
            </Field>
            <Field id="password" label={t('entry.password')} hint={t('first.passwordHint')} wrong={wrong.password}>
              {(tied) => (
                <Input.Password
                  {...tied}
                  name="password"
                  autoComplete="new-password"
                  value={f.password}
                  onChange={set('password')}
                />
              )}
            </Field>
            <Field id="again" label={t('first.again')} wrong={wrong.again}>
              {(tied) => (
                <Input.Password {...tied} name="again" autoComplete="new-password" value={f.again} onChange={set('again')} />
              )}
            </Field>
            <div role="alert">{error && <p className="banner banner-danger">{error}</p>}</div>
            <div>
              <Button type="primary" htmlType="submit">
                {t('first.next')}
              </Button>
            </div>
          </form>
        )}
        {start && step === 'code' && (
          <form className="form" onSubmit={finish} noValidate>
            <p>{t('first.scan')}</p>
            <div className="qr">
              <Qr text={start.totp_url} label={t('first.qr')} />
              <div>
                <p className="muted small">{t('first.orType')}</p>
                <TotpKey secret={start.totp_secret} />
              </div>
            </div>
            <Field id="code" label={t('first.code')} wrong={wrong.code}>
              {(tied) => (
                <Input
                  {...tied}
                  className="num"
                  name="one-time-code"
                  autoComplete="one-time-code"
                  inputMode="numeric"
                  maxLength={7}
                  autoFocus
                  value={f.code}
                  onChange={set('code')}
                />
              )}
            </Field>
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
        <EntryFoot />
      </div>
    </main>
  );
}
