import { useTranslation } from 'react-i18next';
import { NavLink, useParams } from 'react-router';
import { Accounts } from './Accounts';
import { Health } from './Health';
import { Sessions } from './Me';
import { Tokens } from './Tokens';
import { Units } from './Units';

const sections = ['health', 'units', 'accounts', 'sessions', 'tokens'] as const;

export default function Admin() {
  const { section = 'health' } = useParams();
  const { t } = useTranslation();
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('page.admin')}</h1>
      </div>
      <nav className="tabs" aria-label={t('page.admin')}>
        {sections.map((s) => (
          <NavLink key={s} to={s === 'health' ? '/admin' : `/admin/${s}`} end>
            {t(`admin.section.${s}`)}
          </NavLink>
        ))}
      </nav>
      <div className="page-body">
        {section === 'units' ? (
          <Units />
        ) : section === 'accounts' ? (
          <Accounts />
        ) : section === 'tokens' ? (
          <Tokens />
        ) : section === 'sessions' ? (
          <Sessions all />
        ) : (
          <Health />
        )}
      </div>
    </div>
  );
}
