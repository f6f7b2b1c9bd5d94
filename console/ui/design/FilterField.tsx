import { type Ref, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from './icons';

/** Filters when typing rests and a composition has ended. */
export function FilterField({
  value,
  onChange,
  placeholder,
  ref,
}: {
  value: string;
  onChange: (v: string) => void;
  placeholder: string;
  ref?: Ref<HTMLInputElement>;
}) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const [composing, setComposing] = useState(false);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (composing || text === value) return;
    const timer = setTimeout(() => onChange(text), 250);
    return () => clearTimeout(timer);
  }, [text, composing, value, onChange]);
  return (
    <label className="filter-field">
      <Icon name="search" size={14} />
      <input
        ref={ref}
        type="search"
        aria-label={placeholder}
        placeholder={placeholder}
        value={text}
        autoComplete="off"
        spellCheck={false}
        onChange={(e) => setText(e.target.value)}
        onCompositionStart={() => setComposing(true)}
        onCompositionEnd={() => setComposing(false)}
        onKeyDown={(e) => {
          if (e.key === 'Escape') {
            if (text) setText('');
            e.currentTarget.blur();
          }
          if (e.key === 'Enter') e.currentTarget.blur();
        }}
        aria-keyshortcuts="/"
      />
      {!text && <kbd>/</kbd>}
      {text && (
        <button type="button" className="clear" onClick={() => setText('')} aria-label={t('act.clear')}>
          <Icon name="close" size={12} />
        </button>
      )}
    </label>
  );
}
