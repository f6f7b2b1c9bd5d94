import { useTranslation } from 'react-i18next';

/** A card whose part did not answer: its name and why, never a figure. */
export function Broken({ id, name, text }: { id: string; name: string; text: string | undefined }) {
  const { t } = useTranslation();
  return (
    <>
      <h2 id={id}>{name}</h2>
      <p className="chip chip-unk">{text ?? t('state.partAway', { what: name.toLowerCase() })}</p>
    </>
  );
}
