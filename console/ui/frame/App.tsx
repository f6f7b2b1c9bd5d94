import { useQueryClient } from '@tanstack/react-query';
import { Component, lazy, type ReactNode, Suspense, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Navigate, Route, Routes, useLocation } from 'react-router';
import { onSessionEnd } from '../api/client';
import { Failed, Loading } from '../design/states';
import { setLetters, useKeys } from '../keys/useKeys';
import { onStreamEnd, start } from '../live/stream';
import { setLanguage } from '../locales/i18n';
import { setTheme } from '../session/preferences';
import { meKey, PersonProvider, pageRight, useMe, useMeQuery } from '../session/session';
import { Frame } from './Frame';
import { first, login, ownPages, pages } from './pages';

const Login = lazy(login);
const First = lazy(first);

const lazyPages = [
  ...pages.flatMap((p) => Object.entries(p.routes).map(([path, load]) => ({ path, page: p.id, Page: lazy(load) }))),
  ...Object.entries(ownPages).map(([path, load]) => ({ path, page: 'overview', Page: lazy(load) })),
];

export function App() {
  const { pathname } = useLocation();
  if (pathname === '/first')
    return (
      <Suspense fallback={null}>
        <First />
      </Suspense>
    );
  return <Session />;
}

function Session() {
  const { t } = useTranslation();
  const me = useMeQuery();
  const queries = useQueryClient();
  const [ended, setEnded] = useState(false);
  const [again, setAgain] = useState(false);

  useEffect(() => onSessionEnd(() => setEnded(true)), []);
  // other rights: ask again what this person may do; the answer 401 of any call opens the log-in
  useEffect(() => onStreamEnd(() => queries.invalidateQueries({ queryKey: ['status'] })), [queries]);
  const person = me.data;
  const id = person?.id;
  const applied = useRef('');
  useEffect(() => {
    if (!person || applied.current === person.id) return;
    applied.current = person.id;
    const p = person.preferences;
    const asked = new URLSearchParams(location.search).get('lang');
    if (asked === 'vi' || asked === 'en') setLanguage(asked);
    else if (p.language === 'vi' || p.language === 'en') setLanguage(p.language);
    if (p.theme) setTheme(p.theme);
    setLetters(p.keys !== false);
  }, [person]);
  useEffect(() => (id ? start() : undefined), [id]);

  if (me.isPending) return null;
  if (me.isError)
    return (
      <main className="away">
        <h1>{t('state.away')}</h1>
        <p>{t('state.awayDo')}</p>
        <button type="button" className="link" onClick={() => me.refetch()}>
          {t('act.retry')}
        </button>
      </main>
    );
  if (!person || again)
    return (
      <Suspense fallback={null}>
        <Login
          onDone={(m) => {
            queries.setQueryData(meKey, m);
            setAgain(false);
          }}
        />
      </Suspense>
    );
  return (
    <PersonProvider value={person}>
      <Frame
        onLogout={() => {
          applied.current = '';
          queries.clear();
          queries.setQueryData(meKey, null);
          setEnded(false);
        }}
      >
        <Suspense fallback={<Loading what="page" />}>
          <Routes>
            {lazyPages.map(({ path, page, Page }) => (
              <Route
                key={path}
                path={path}
                element={
                  <Guard page={page}>
                    <Page />
                  </Guard>
                }
              />
            ))}
            <Route path="/login" element={<Navigate to="/" replace />} />
            <Route path="*" element={<Absent />} />
          </Routes>
        </Suspense>
      </Frame>
      {ended && (
        <Suspense fallback={null}>
          <Login
            again={person.login}
            onDone={(m) => {
              queries.setQueryData(meKey, m);
              setEnded(false);
              queries.invalidateQueries();
            }}
          />
          <Modal />
        </Suspense>
      )}
    </PersonProvider>
  );
}

/** While the log-in stands above the page, no key reaches the page. */
function Modal() {
  useKeys([], { modal: true });
  return null;
}

function Absent() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('state.absentTitle')}</h1>
      </div>
      <p className="state">{t('state.absentPage')}</p>
    </div>
  );
}

function Guard({ page, children }: { page: string; children: ReactNode }) {
  const me = useMe();
  const { pathname } = useLocation();
  if (pageRight(me, page) === undefined) {
    const first = Object.keys(me.permissions.pages)[0];
    if (page === 'overview' && first && first !== 'overview') return <Navigate to={`/${first}`} replace />;
    return <Absent />;
  }
  return <Caught key={pathname}>{children}</Caught>;
}

/** An error of one page leaves the frame standing. */
class Caught extends Component<{ children: ReactNode }, { error?: unknown }> {
  override state: { error?: unknown } = {};

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error) return <Failed title="Hoa Lư" error={this.state.error} what="page" retry={() => location.reload()} />;
    return this.props.children;
  }
}
