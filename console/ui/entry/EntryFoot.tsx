import { useTranslation } from 'react-i18next';
import { setLanguage } from '../locales/i18n';
import { setTheme, useLang, useTheme } from '../session/preferences';

/** Under every entry page: that its use is recorded, and the language and theme for who has no account yet. */
export function EntryFoot() {
  const { t } = useTranslation();
  const lang = useLang();
  const theme = useTheme();
  const other = lang === 'vi' ? 'en' : 'vi';
  const ground = theme === 'dark' ? 'light' : 'dark';
  return (
    <div className="entry-foot">
      <span>{t('entry.logged')}</span>
      <span className="entry-switch">
        <button type="button" className="link" onClick={() => setTheme(ground)}>
          {t(`entry.${ground}`)}
        </button>
        <button type="button" className="link" onClick={() => setLanguage(other)} lang={other}>
          {other === 'vi' ? 'Tiếng Việt' : 'English'}
        </button>
      </span>
    </div>
  );
}
