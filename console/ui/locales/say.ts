import type { Lang } from '../format/lang';

type Text = Record<string, string>;

/** A text of the product in the person's language; a missing one falls back and says so. */
export function say(text: Text | undefined, lang: Lang, t: (k: string) => string): string {
  if (!text) return '';
  const own = text[lang];
  if (own) return own;
  const other = text[lang === 'vi' ? 'en' : 'vi'];
  return other ? `${other} ${t('state.untranslated')}` : '';
}
