import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { FieldsAnswer } from '../api/client';
import { Unread } from '../design/Unread';
import { Evidence } from '../evidence/Evidence';
import { spoken } from '../evidence/escape';
import { atLeast, unread } from '../format/counted';
import { number, share } from '../format/number';
import { useLang } from '../session/preferences';

export function Fields({
  answer,
  failed,
  onPick,
}: {
  answer: FieldsAnswer | undefined;
  failed: boolean;
  onPick: (f: string, v: string, not?: boolean) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const [open, setOpen] = useState<string>();
  const [text, setText] = useState('');
  const { items = [], sampled = 0 } = answer ?? {};
  // shares of a part of the events stand for all of them only about
  const part = atLeast(answer ?? {});
  const shareOf = (v: number, about: boolean) => (about ? t('count.about', { n: share(v, lang, 0) }) : share(v, lang, 0));
  const shown = items.filter((f) => f.name.toLowerCase().includes(text.toLowerCase())).slice(0, 200);
  return (
    <section className="fields" aria-label={t('search.fields')}>
      <button
        type="button"
        className="skip-results"
        onClick={() => document.querySelector<HTMLElement>('.search-main .grid [role=row][tabindex="0"]')?.focus()}
      >
        {t('search.skip')}
      </button>
      <input
        className="fields-filter"
        type="search"
        placeholder={t('search.fieldFilter')}
        aria-label={t('search.fieldFilter')}
        value={text}
        onChange={(e) => setText(e.target.value)}
      />
      {failed && <p className="chip chip-unk">{t('state.failed', { what: t('search.fields').toLowerCase() })}</p>}
      <ul>
        {shown.map((f) => (
          <li key={f.name}>
            <button
              type="button"
              className="field-name"
              aria-expanded={open === f.name}
              onClick={() => setOpen(open === f.name ? undefined : f.name)}
              title={t('search.fill', { n: shareOf(f.fill, part) })}
            >
              <Evidence value={f.name} className="cut" />
              <span className="num muted figure-small">{shareOf(f.fill, part)}</span>
            </button>
            {open === f.name && (
              <ul className="field-top">
                {f.top.map((v) => (
                  <li key={v.key}>
                    <button
                      type="button"
                      onClick={() => onPick(f.name, v.key)}
                      aria-label={`${t('search.only')} ${spoken(f.name)}`}
                    >
                      <span className="field-bar" style={{ width: `${(100 * v.count) / Math.max(1, f.count)}%` }} />
                      <Evidence value={v.key} className="cut" />
                      <span className="num muted figure-small">{shareOf(v.count / Math.max(1, f.count), part)}</span>
                    </button>
                    <button
                      type="button"
                      className="field-not"
                      onClick={() => onPick(f.name, v.key, true)}
                      aria-label={`${t('search.without')} ${spoken(f.name)}`}
                      title={t('search.without')}
                    >
                      −
                    </button>
                  </li>
                ))}
                {f.approximate && <li className="muted small">{t('search.uncounted')}</li>}
              </ul>
            )}
          </li>
        ))}
      </ul>
      {sampled > 0 && <p className="muted small">{t('search.sampled', { n: number(sampled, lang) })}</p>}
      <Unread partial={unread(answer ? [answer] : [])} />
    </section>
  );
}
