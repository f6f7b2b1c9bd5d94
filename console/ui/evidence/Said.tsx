import { useTranslation } from 'react-i18next';
import { useLang } from '../session/preferences';
import { Evidence, Parts } from './Evidence';

type Text = Record<string, string>;

/**
 * Is this the wording of a rule's author? The product says everything in both languages; who wrote a rule elsewhere wrote it once, and
 * it stands the same in both.
 */
export function foreign(text: Text): boolean {
  return text.vi === undefined || text.vi === text.en;
}

/** A title or an explanation: the product's own in our typeface, an author's as what it is, text of somebody else. */
export function Said({ text, fallback = '' }: { text: Text | undefined; fallback?: string }) {
  const { t } = useTranslation();
  const lang = useLang();
  const own = text?.[lang];
  const said = own || text?.[lang === 'vi' ? 'en' : 'vi'];
  if (!text || !said) return fallback && <Evidence value={fallback} className="ev-said" />;
  if (foreign(text)) return <Evidence value={said} className="ev-said" />;
  return (
    <>
      <Words text={said} />
      {!own && ` ${t('state.untranslated')}`}
    </>
  );
}

/** What a person or the server said, in our typeface; it may quote what others wrote, so what hides or reorders is boxed. */
export function Words({ text }: { text: string }) {
  return (
    <span className="words">
      <Parts text={text} multiline />
    </span>
  );
}
