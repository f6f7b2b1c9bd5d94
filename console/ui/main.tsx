import 'virtual:tokens.css';
import './design/fonts.css';
import './design/base.css';
import './frame/frame.css';
import './alerts/alerts.css';
import './search/search.css';
import './systems/systems.css';
import './ledger/ledger.css';
import './national/national.css';
import './overview/overview.css';
import './admin/admin.css';
import './design/timebars.css';
import './evidence/evidence.css';
import './entry/entry.css';
import './locales/i18n';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { ConfigProvider } from 'antd';
import { StrictMode, useMemo } from 'react';
import { createRoot } from 'react-dom/client';
import { BrowserRouter } from 'react-router';
import { ProblemError } from './api/client';
import { antTheme } from './design/theme';
import { App } from './frame/App';
import i18n from './locales/i18n';
import { useLang, useTheme } from './session/preferences';

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && error instanceof ProblemError && (error.status === 0 || error.status >= 502),
      retryDelay: (n) => 500 * 2 ** n,
    },
    mutations: { retry: false },
  },
});

const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content ?? '';

function Root() {
  const name = useTheme();
  const theme = useMemo(() => antTheme(name), [name]);
  const lang = useLang();
  const locale = useMemo(
    () => ({ locale: lang, global: { close: i18n.t('act.back'), show: i18n.t('entry.show'), hide: i18n.t('entry.hide') } }),
    [lang],
  );
  return (
    <ConfigProvider
      // menus open inside the landmark they belong to, so that nothing on a page stands outside of all
      getPopupContainer={(trigger) => trigger?.closest<HTMLElement>('dialog, header, main, footer') ?? document.body}
      csp={{ nonce }}
      theme={theme}
      locale={locale}
      wave={{ disabled: true }}
      button={{ autoInsertSpace: false }}
    >
      <QueryClientProvider client={queries}>
        <BrowserRouter>
          <App />
        </BrowserRouter>
      </QueryClientProvider>
    </ConfigProvider>
  );
}

document.documentElement.lang = i18n.language;
// How the focus came where it is, for the ring of boxes that scroll (base.css): a click also focuses the box around its place.
addEventListener(
  'pointerdown',
  () => {
    document.documentElement.dataset.by = 'pointer';
  },
  true,
);
addEventListener(
  'keydown',
  (e) => {
    if (/^(?:Tab|Enter|F6|Arrow)/.test(e.key)) document.documentElement.dataset.by = 'key';
  },
  true,
);
// A stop that Tab reaches half out of its box (a long field, a button at the end of a wide table) comes in whole, with its ring: the
// browser is content when a part of it shows.
addEventListener('focusin', (e) => {
  if (document.documentElement.dataset.by === 'key' && e.target instanceof HTMLElement && e.target.matches(':focus-visible'))
    e.target.scrollIntoView({ block: 'nearest', inline: 'nearest' });
});
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Root />
  </StrictMode>,
);
