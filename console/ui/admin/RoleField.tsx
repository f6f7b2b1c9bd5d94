import { useTranslation } from 'react-i18next';

const roles = ['analyst', 'lead', 'owner', 'auditor', 'dpo', 'administrator', 'liaison'] as const;
const duty: Record<string, string> = { analyst: 'operate', lead: 'operate', administrator: 'administer', dpo: 'protect' };

// who these watch over or answer for is not seen by them through the whole province
const apart = new Set(['owner', 'auditor', 'dpo']);

/** Roles of a person or token; says when two of operate, administer and protect meet. */
export function RoleField({ value, onChange }: { value: string[]; onChange: (v: string[]) => void }) {
  const { t } = useTranslation();
  const duties = new Set(value.map((r) => duty[r]).filter(Boolean));
  return (
    <fieldset className="roles">
      <legend className="label">{t('admin.roles')}</legend>
      {roles.map((r) => (
        <label key={r} className="check">
          <input
            type="checkbox"
            checked={value.includes(r)}
            onChange={(e) => onChange(e.target.checked ? [...value, r] : value.filter((x) => x !== r))}
          />{' '}
          {t(`role.${r}`)}
        </label>
      ))}
      {value.length === 0 && <p className="hint">{t('admin.chooseRole')}</p>}
      {value.includes('analyst') && value.some((r) => apart.has(r)) && (
        <p className="hint warn-text" role="status">
          {t('admin.analystToo')}
        </p>
      )}
      {duties.size > 1 && <p className="hint warn-text">{t('admin.twoRolesHint')}</p>}
    </fieldset>
  );
}
