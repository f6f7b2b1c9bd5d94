import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Lang } from '../format/lang';
import en from './en.json';
import vi from './vi.json';

export const KEPT = 'hoalu.lang';

function first(): Lang {
  try {
    const asked = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(KEPT);
    if (asked === 'vi' || asked === 'en') return asked;
    for (const l of navigator.languages) {
      if (l.startsWith('vi')) return 'vi';
      if (l.startsWith('en')) return 'en';
    }
  } catch {
    // no browser, no storage: Vietnamese
  }
  return 'vi';
}

i18n.use(initReactI18next).init({
  lng: typeof window === 'undefined' ? 'vi' : first(),
  fallbackLng: 'vi',
  resources: { vi: { translation: vi }, en: { translation: en } },
  interpolation: { escapeValue: false },
  returnNull: false,
  initAsync: false,
});

export function setLanguage(lang: Lang): void {
  i18n.changeLanguage(lang);
  document.documentElement.lang = lang;
  try {
    localStorage.setItem(KEPT, lang);
  } catch {
    // private window
  }
}

export default i18n;
