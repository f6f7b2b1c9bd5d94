import { useQuery } from '@tanstack/react-query';
import { Button, Dropdown } from 'antd';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, NavLink, useLocation, useNavigate } from 'react-router';
import { reasonOf } from '../admin/part';
import { client, ProblemError, type Status, take } from '../api/client';
import { Icon, Mark } from '../design/icons';
import { ToastPlace } from '../design/toast';
import { number } from '../format/number';
import { minute, shift, span } from '../format/time';
import { Sequence } from '../keys/keys';
import { setLetters, useKeys } from '../keys/useKeys';
import { serverNow, useNow } from '../live/clock';
import { pause, useLive, useNotices } from '../live/stream';
import { setLanguage } from '../locales/i18n';
import { setTheme, type ThemeChoice, useLang, useTheme, useThemeChoice } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { realSources } from '../sources/counts';
import { Help } from './Help';
import { Palette } from './Palette';
import { pagesOf } from './pages';
import { StatusBar } from './StatusBar';

export const statusKey = ['status'] as const;

/** What keeps the server from telling how things are, in its own words: its database does not answer. */
const unavailable = (error: unknown) =>
  error instanceof ProblemError && error.code === 'state_unavailable' ? error.message : undefined;

export function useStatus() {
  return useQuery({
    queryKey: statusKey,
    queryFn: () => take(client.GET('/api/status')),
    refetchInterval: 10_000,
    staleTime: 4000,
  });
}

export function Frame({ children, onLogout }: { children: ReactNode; onLogout: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const status = useStatus();
  const [collapsed, setCollapsed] = useState(() => localStorage.getItem('hoalu.rail') === 'collapsed');
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const sequence = useRef(new Sequence());
  const bell = useRef<HTMLButtonElement>(null);
  const groups = pagesOf(me);

  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useNotices(['alert', 'source', 'ledger', 'national'], () => {
    waiting.current ??= setTimeout(() => {
      waiting.current = undefined;
      status.refetch();
    }, 1000);
  });

  const fold = () => {
    setCollapsed(!collapsed);
    localStorage.setItem('hoalu.rail', collapsed ? '' : 'collapsed');
  };

  // two-key sequences come before the keys of the page
  useEffect(() => {
    const on = (e: KeyboardEvent) => {
      const el = document.activeElement as HTMLElement | null;
      if (e.ctrlKey || e.metaKey || e.altKey || e.isComposing || palette || help) return;
      if (el && /^(INPUT|TEXTAREA|SELECT)$/.test(el.tagName) && (el as HTMLInputElement).type !== 'checkbox') return;
      if (document.querySelector('.entry-over, .ant-modal-wrap:not([style*="none"])')) return;
      const to = sequence.current.press(e.shiftKey ? e.key : e.key.toLowerCase(), Date.now());
      if (to === '') return;
      e.preventDefault();
      e.stopImmediatePropagation();
      if (to === true) return;
      if (to === 'bell') bell.current?.click();
      else if (groups.some((g) => g.pages.some((p) => p.path === to))) navigate(to);
    };
    window.addEventListener('keydown', on, true);
    return () => window.removeEventListener('keydown', on, true);
  });

  useKeys([
    { keys: ['ctrl+k'], label: 'palette', act: () => setPalette(true), always: true },
    { keys: ['?'], label: 'help', act: () => setHelp(true) },
    { keys: ['['], label: 'rail', act: fold },
  ]);

  useEffect(() => {
    const page =
      pathname === '/me'
        ? { id: 'me' }
        : groups.flatMap((g) => g.pages).find((p) => (p.path === '/' ? pathname === '/' : pathname.startsWith(p.path)));
    const unread = status.data?.alerts?.new ?? 0;
    document.title = `${unread > 0 ? `(${unread}) ` : ''}${page ? t(`page.${page.id}`) : 'Hoa Lư'} · ${me.site.name || 'Hoa Lư'}`;
  });

  return (
    <div className={`frame${collapsed ? ' collapsed' : ''}`}>
      <a className="skip" href="#main">
        {t('frame.skip')}
      </a>
      <header className="top">
        <Link to="/" className="brand">
          <Mark />
          <span className="brand-text">
            <span className="brand-name">Hoa Lư</span>
            <span className="brand-site">{me.site.name}</span>
          </span>
        </Link>
        <button type="button" className="command" onClick={() => setPalette(true)} aria-keyshortcuts="Control+K">
          <Icon name="search" />
          <span className="cut">{t('frame.command')}</span>
          <kbd>Ctrl K</kbd>
        </button>
        <LiveChip status={status.data} />
        <div className="top-end">
          <Bell status={status.data} button={bell} />
          <LanguageButton />
          <ThemeButton />
          <PersonMenu onLogout={onLogout} onHelp={() => setHelp(true)} />
        </div>
      </header>
      <nav className="rail" aria-label={t('frame.rail')}>
        {groups.map((g) => (
          <section key={g.id} aria-labelledby={`rail-${g.id}`}>
            <h2 id={`rail-${g.id}`}>{t(`rail.${g.id}`)}</h2>
            <ul>
              {g.pages.map((p) => (
                <li key={p.id}>
                  <NavLink
                    to={p.path}
                    end={p.path === '/'}
                    aria-keyshortcuts={`g ${p.key}`}
                    title={`${t(`page.${p.id}`)} (g ${p.key})`}
                  >
                    <Icon name={p.icon} />
                    <span className="rail-word">{t(`page.${p.id}`)}</span>
                    <RailCount page={p.id} status={status.data} />
                  </NavLink>
                </li>
              ))}
            </ul>
          </section>
        ))}
        <button type="button" className="rail-fold" onClick={fold} aria-expanded={!collapsed} title={`${t('frame.fold')} ([)`}>
          <Icon name="rail" />
          <span className="rail-word">{t('frame.fold')}</span>
          <kbd className="rail-word">[</kbd>
        </button>
      </nav>
      <main id="main" tabIndex={-1}>
        <Banners status={status.data} />
        {children}
      </main>
      <footer className="status" role="contentinfo" aria-label={t('frame.status')}>
        <ToastPlace />
        <StatusBar status={status.data} failed={status.isError} why={unavailable(status.error)} at={status.dataUpdatedAt} />
      </footer>
      {palette && <Palette onClose={() => setPalette(false)} />}
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

function RailCount({ page, status }: { page: string; status: Status | undefined }) {
  const lang = useLang();
  const { t } = useTranslation();
  if (page === 'alerts' && status?.alerts && status.alerts.new > 0)
    return (
      <span className="rail-count rail-hot">
        {number(status.alerts.new, lang)}
        <span className="sr"> {t('frame.unread')}</span>
      </span>
    );
  const silent = status?.sources?.silent ?? 0;
  if (page === 'sources' && silent > 0)
    return (
      <span className="rail-count">
        {number(silent, lang)}
        <span className="sr"> {t('sourceState.silent')}</span>
      </span>
    );
  return null;
}

function Banners({ status }: { status: Status | undefined }) {
  const lang = useLang();
  const { t } = useTranslation();
  const me = useMe();
  const live = useLive();
  const broken = (status?.parts ?? []).filter((p) => !p.ready);
  return (
    <>
      {me.two_roles && (
        <div className="banner banner-warn">
          <Icon name="warn" />
          <span>{t('frame.twoRoles')}</span>
        </div>
      )}
      {live.state === 'lost' && (
        <div className="banner banner-unk" role="status">
          <Icon name="live" />
          <span>{t('alerts.lost', { time: minute(live.since) })}</span>
        </div>
      )}
      {broken.length > 0 && (
        <div className="banner banner-danger">
          <Icon name="warn" />
          <span>
            {broken.map((p) => `${t(`part.${p.name}`, p.name)}${p.reason ? `: ${reasonOf(p, lang)}` : ''}`).join(' · ')}
            {pageRight(me, 'admin') !== undefined && (
              <>
                {' '}
                <Link to="/admin">{t('page.admin')}</Link>
              </>
            )}
          </span>
        </div>
      )}
    </>
  );
}

function LiveChip({ status }: { status: Status | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const live = useLive();
  const perSecond = status?.events?.per_second; // not measured yet, after a start: no figure
  const rate =
    perSecond === undefined ? '' : ` · ${number(perSecond, lang, perSecond < 10 ? 1 : 0)} ${t('unit.eventsPerSecond')}`;
  const on = live.state !== 'paused';
  const text =
    live.state === 'lost'
      ? t('frame.lost', { time: minute(live.since) })
      : live.state === 'paused'
        ? t('frame.paused', { time: minute(live.since) })
        : live.state === 'connecting'
          ? t('frame.connecting')
          : `${t('frame.live')}${rate}`;
  return (
    <button
      type="button"
      className={`live live-${live.state}`}
      onClick={() => pause(on)}
      aria-pressed={!on}
      title={on ? t('frame.pause') : t('frame.resume')}
    >
      <Icon name={on ? 'live' : 'pause'} />
      <span className="cut">{text}</span>
    </button>
  );
}

function Bell({ status, button }: { status: Status | undefined; button: React.RefObject<HTMLButtonElement | null> }) {
  const { t } = useTranslation();
  const lang = useLang();
  const navigate = useNavigate();
  const items: { key: string; label: ReactNode; to: string }[] = [];
  const s = status;
  if (s?.alerts?.mine) items.push({ key: 'mine', to: '/alerts?view=mine', label: t('bell.mine', { count: s.alerts.mine }) });
  if (s?.sources?.silent)
    items.push({
      key: 'silent',
      to: realSources(s.sources, 'silent'),
      label:
        t('bell.silent', { count: s.sources.silent, n: number(s.sources.silent, lang) }) +
        (s.sources.oldest
          ? ` · ${t('bell.oldest', { span: span(serverNow() - Date.parse(s.sources.oldest.since ?? ''), lang) })}`
          : ''),
    });
  if (s?.ledger?.state === 'off')
    items.push({ key: 'ledger', to: '/ledger?view=off', label: t('bell.ledger', { n: number(s.ledger.difference, lang) }) });
  if (s?.national?.refused)
    items.push({ key: 'refused', to: '/national?state=refused', label: t('bell.refused', { count: s.national.refused }) });
  if (s?.national && (s.national.state === 'late' || s.national.state === 'bad'))
    items.push({ key: 'national', to: '/national', label: t('bell.national', { n: number(s.national.waiting, lang) }) });
  if (s?.disk && (s.disk.state === 'low' || s.disk.state === 'full'))
    items.push({ key: 'disk', to: '/admin', label: t('bell.disk') });
  for (const b of s?.broken ?? [])
    items.push({ key: `broken-${b.card}`, to: '/', label: `${t(`bell.of.${b.card}`)}: ${b.text}` });
  for (const p of s?.parts ?? [])
    if (!p.ready)
      items.push({ key: `part-${p.name}`, to: '/admin', label: `${t(`part.${p.name}`, p.name)}: ${reasonOf(p, lang) ?? ''}` });
  return (
    <Dropdown
      trigger={['click']}
      placement="bottomRight"
      menu={{
        items:
          items.length > 0
            ? items.map(({ key, label }) => ({ key, label }))
            : [{ key: 'none', label: t('bell.none'), disabled: true }],
        onClick: ({ key }) => {
          const to = items.find((i) => i.key === key)?.to;
          if (to) navigate(to);
        },
      }}
    >
      <button
        ref={button}
        type="button"
        className="top-button"
        aria-label={`${t('frame.bell')}: ${items.length}`}
        aria-keyshortcuts="g g"
        title={`${t('frame.bell')} (g g)`}
      >
        <Icon name="bell" />
        {items.length > 0 && <span>{items.length}</span>}
      </button>
    </Dropdown>
  );
}

function useSave() {
  const me = useMe();
  return (change: { language?: 'vi' | 'en'; theme?: ThemeChoice; keys?: boolean }) => {
    Object.assign(me.preferences, change);
    take(client.PUT('/api/me/preferences', { body: me.preferences })).catch(() => undefined);
  };
}

function LanguageButton() {
  const { t } = useTranslation();
  const lang = useLang();
  const save = useSave();
  const other = lang === 'vi' ? 'en' : 'vi';
  return (
    <button
      type="button"
      className="top-button"
      aria-label={`${lang.toUpperCase()}: ${t('frame.language')}`}
      title={t('frame.language')}
      onClick={() => {
        setLanguage(other);
        save({ language: other });
      }}
    >
      {lang.toUpperCase()}
    </button>
  );
}

function ThemeButton() {
  const { t } = useTranslation();
  const choice = useThemeChoice();
  const shown = useTheme();
  const save = useSave();
  return (
    <Dropdown
      trigger={['click']}
      placement="bottomRight"
      menu={{
        selectable: true,
        selectedKeys: [choice],
        items: (['light', 'dark', 'system'] as const).map((k) => ({ key: k, label: t(`theme.${k}`) })),
        onClick: ({ key }) => {
          setTheme(key as ThemeChoice);
          save({ theme: key as ThemeChoice });
        },
      }}
    >
      <button
        type="button"
        className="top-button"
        aria-label={`${t('frame.theme')}: ${t(`theme.${choice}`)}`}
        title={t('frame.theme')}
      >
        <Icon name={shown === 'dark' ? 'sun' : 'moon'} />
      </button>
    </Dropdown>
  );
}

function PersonMenu({ onLogout, onHelp }: { onLogout: () => void; onHelp: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const now = useNow();
  const navigate = useNavigate();
  const save = useSave();
  const s = shift(now);
  const name = me.name || me.login;
  const letters = name
    .split(/[\s._-]+/)
    .filter(Boolean)
    .slice(-2)
    .map((w) => [...w][0]?.toUpperCase())
    .join('');
  const [keysOn, setKeysOn] = useState(me.preferences.keys !== false);
  return (
    <Dropdown
      trigger={['click']}
      placement="bottomRight"
      menu={{
        items: [
          { key: 'who', label: `${me.login} · ${me.roles.map((r) => t(`role.${r}`)).join(', ')}`, disabled: true },
          { key: 'me', label: t('page.me') },
          { key: 'keys', label: keysOn ? t('frame.keysOff') : t('frame.keysOn') },
          { key: 'help', label: t('frame.help') },
          { type: 'divider' },
          { key: 'out', label: t('act.logout') },
        ],
        onClick: ({ key }) => {
          if (key === 'me') navigate('/me');
          else if (key === 'help') onHelp();
          else if (key === 'keys') {
            setLetters(!keysOn);
            setKeysOn(!keysOn);
            save({ keys: !keysOn });
          } else if (key === 'out') {
            take(client.POST('/api/logout'))
              .catch(() => undefined)
              .finally(onLogout);
          }
        },
      }}
    >
      <Button type="text" className="person">
        <span className="avatar" aria-hidden="true">
          {letters}
        </span>
        <span className="person-text">
          <span className="cut">{name}</span>
          <span className="sub">{t(`shift.${s.name}Until`, { time: minute(s.to) })}</span>
        </span>
      </Button>
    </Dropdown>
  );
}
