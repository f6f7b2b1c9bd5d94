import { Button } from 'antd';
import { type KeyboardEvent, type Ref, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { problemText } from '../design/states';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { number, share } from '../format/number';
import { useLang } from '../session/preferences';
import { searchLink } from './stored';
import { type Known, suggest } from './suggest';

/** The query, with fields and values offered while typing: Tab or Enter on a chosen one takes it, Enter runs, Shift+Enter breaks. */
export function QueryField({
  value,
  onChange,
  onRun,
  known,
  wrong,
  ref,
}: {
  value: string;
  onChange: (v: string) => void;
  onRun: (v: string) => void;
  known: Known[];
  wrong: boolean;
  ref?: Ref<HTMLTextAreaElement>;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const [caret, setCaret] = useState(0);
  const [focus, setFocus] = useState(false);
  const [at, setAt] = useState(-1);
  const [hidden, setHidden] = useState(false);
  const offers = useMemo(() => (focus && !hidden ? suggest(value, caret, known) : []), [focus, hidden, value, caret, known]);
  const takeOffer = (el: HTMLTextAreaElement | null, i: number) => {
    const s = offers[i];
    if (!s) return;
    const next = value.slice(0, s.from) + s.insert + value.slice(caret);
    onChange(next);
    setAt(-1);
    const to = s.from + s.insert.length;
    setCaret(to);
    requestAnimationFrame(() => {
      el?.focus();
      el?.setSelectionRange(to, to);
    });
  };
  const onKey = (e: KeyboardEvent<HTMLTextAreaElement>) => {
    if (e.nativeEvent.isComposing) return;
    if (offers.length > 0 && e.key === 'ArrowDown') setAt(Math.min(offers.length - 1, at + 1));
    else if (offers.length > 0 && at >= 0 && e.key === 'ArrowUp') setAt(at - 1);
    else if (offers.length > 0 && at >= 0 && (e.key === 'Tab' || e.key === 'Enter')) takeOffer(e.currentTarget, at);
    else if (e.key === 'Enter' && (e.ctrlKey || e.metaKey))
      searchLink(value).then(
        (to) => window.open(to, '_blank', 'noopener'),
        (e: unknown) => toast({ kind: 'error', text: problemText(e, t('search.notKept')) }),
      );
    else if (e.key === 'Enter' && !e.shiftKey) {
      setHidden(true);
      onRun(value.trim());
    } else if (e.key === 'Escape') {
      if (offers.length > 0) setHidden(true);
      else e.currentTarget.blur();
    } else return;
    e.preventDefault();
  };
  return (
    <div className={`query${wrong ? ' query-wrong' : ''}`}>
      <textarea
        ref={ref}
        id="query"
        className="query-text"
        rows={Math.min(4, value.split('\n').length)}
        aria-label={t('search.query')}
        aria-invalid={wrong}
        aria-autocomplete="list"
        aria-controls={offers.length > 0 ? 'query-offers' : undefined}
        aria-activedescendant={at >= 0 ? `offer-${at}` : undefined}
        placeholder={t('search.placeholder')}
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        value={value}
        onChange={(e) => {
          onChange(e.target.value);
          setCaret(e.target.selectionStart);
          setAt(-1);
          setHidden(false);
        }}
        onSelect={(e) => setCaret(e.currentTarget.selectionStart)}
        onFocus={() => setFocus(true)}
        onBlur={() => setTimeout(() => setFocus(false), 150)}
        onKeyDown={onKey}
      />
      <Button type="primary" size="small" onClick={() => onRun(value.trim())}>
        {t('search.run')} <kbd>⏎</kbd>
      </Button>
      {offers.length > 0 && (
        <div id="query-offers" role="listbox" className="offers" aria-label={t('search.offers')}>
          {offers.map((s, i) => (
            <div
              key={s.insert}
              id={`offer-${i}`}
              role="option"
              tabIndex={-1}
              aria-selected={i === at}
              className="palette-row"
              onMouseDown={(e) => {
                e.preventDefault();
                takeOffer(document.querySelector<HTMLTextAreaElement>('#query'), i);
              }}
            >
              <Icon name={s.kind === 'field' ? 'ledger' : s.kind === 'value' ? 'right' : 'keyboard'} size={14} />
              <Evidence value={s.insert} className="cut" />
              <span className="num muted">
                {s.figure === undefined ? '' : s.kind === 'field' ? share(s.figure, lang, 0) : number(s.figure, lang)}
              </span>
            </div>
          ))}
          <div className="offers-help muted small">{t('search.offersHelp')}</div>
        </div>
      )}
    </div>
  );
}
