import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import type { Lang } from '../format/lang';
import type { PageDef } from '../frame/pages';
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

/** Texts that pages bring themselves (frame/pages.ts). */
const ofPages = Object.values(import.meta.glob<PageDef>('../*/page.ts', { eager: true, import: 'default' })).flatMap(
  (p) => p.texts ?? [],
);

i18n.use(initReactI18next).init({
  lng: typeof window === 'undefined' ? 'vi' : first(),
  fallbackLng: 'vi',
  resources: { vi: { translation: vi }, en: { translation: en } },
  interpolation: { escapeValue: false },
  returnNull: false,
  initAsync: false,
});

for (const texts of ofPages)
  for (const lang of ['vi', 'en'] as const) i18n.addResourceBundle(lang, 'translation', texts[lang], true);

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
