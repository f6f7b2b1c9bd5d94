import 'virtual:tokens.css';
import './design/fonts.css';
import './design/base.css';
import './frame/frame.css';
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
import { useTheme } from './session/preferences';

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
  return (
    <ConfigProvider csp={{ nonce }} theme={theme} wave={{ disabled: true }} button={{ autoInsertSpace: false }}>
      <QueryClientProvider client={queries}>
        <BrowserRouter>
          <App />
        </BrowserRouter>
      </QueryClientProvider>
    </ConfigProvider>
  );
}

document.documentElement.lang = i18n.language;
createRoot(document.getElementById('root') as HTMLElement).render(
  <StrictMode>
    <Root />
  </StrictMode>,
);
