import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import type { ThemeName } from '../design/tokens';
import type { Lang } from '../format/lang';

export type ThemeChoice = ThemeName | 'system';

const KEPT = 'hoalu.theme';

export function useLang(): Lang {
  const { i18n } = useTranslation();
  return i18n.language === 'en' ? 'en' : 'vi';
}

const listeners = new Set<() => void>();
let choice: ThemeChoice = 'system';
const darkMedia = typeof window === 'undefined' ? undefined : window.matchMedia?.('(prefers-color-scheme: dark)');

function tell(): void {
  for (const l of listeners) l();
}

function apply(): void {
  if (choice === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

if (typeof window !== 'undefined') {
  try {
    const kept = localStorage.getItem(KEPT);
    if (kept === 'light' || kept === 'dark') choice = kept;
  } catch {
    // private window
  }
  apply();
  darkMedia?.addEventListener('change', tell);
}

export function setTheme(next: ThemeChoice): void {
  choice = next;
  try {
    localStorage.setItem(KEPT, next);
  } catch {
    // private window
  }
  apply();
  tell();
}

const subscribe = (l: () => void) => {
  listeners.add(l);
  return () => listeners.delete(l);
};

export function useThemeChoice(): ThemeChoice {
  return useSyncExternalStore(subscribe, () => choice);
}

export function useTheme(): ThemeName {
  return useSyncExternalStore(subscribe, () => (choice === 'system' ? (darkMedia?.matches ? 'dark' : 'light') : choice));
}
