import { type Ref, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { mayBeIdentifier } from '../format/identifier';
import { Icon } from './icons';

/** Filters when typing rests and a composition has ended; a citizen's number is never sent. */
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
  // lists are asked for by address, and an address may not hold a citizen's number
  const secret = mayBeIdentifier(text);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (composing || text === value || secret) return;
    const timer = setTimeout(() => onChange(text), 250);
    return () => clearTimeout(timer);
  }, [text, composing, value, onChange, secret]);
  return (
    <>
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
      {secret && (
        <span className="chip chip-warn" role="status">
          {t('state.noIdentifier')}
        </span>
      )}
    </>
  );
}
