import { useTranslation } from 'react-i18next';
import { Words } from '../evidence/Said';

/** Says that an answer is not of everything, and names three of what could not be read; nothing where all could. */
export function Unread({ partial }: { partial: readonly string[] }) {
  const { t } = useTranslation();
  if (partial.length === 0) return null;
  return (
    <span className="chip chip-unk unread">
      <span>
        {t('count.incomplete', { count: partial.length })}{' '}
        <Words text={`(${partial.slice(0, 3).join('; ')}${partial.length > 3 ? '; …' : ''})`} />
      </span>
    </span>
  );
}
