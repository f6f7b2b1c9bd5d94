import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Check } from '../api/client';
import { PostureSign } from '../design/signs';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';

/** The steps of the first run; each ticks itself. */
export function Checklist({ items }: { items: Check[] }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  if (items.every((c) => c.done)) return null;
  return (
    <section className="card checklist" aria-labelledby="checklist">
      <div className="card-head">
        <h2 id="checklist">{t('checklist.title')}</h2>
        <span className="num muted">
          {items.filter((c) => c.done).length}/{items.length}
        </span>
      </div>
      <ol>
        {items.map((c) => {
          const text = say(c.text, lang, t) || t(`checklist.${c.id}`);
          const path = c.page ? (c.page.startsWith('/') ? c.page : `/${c.page}`) : undefined;
          const page = path?.split(/[/?]/)[1];
          return (
            <li key={c.id}>
              <PostureSign state={c.done ? 'met' : c.unknown ? 'unknown' : 'not_applicable'} word="none" />
              <span className="sr">{t(c.done ? 'checklist.done' : c.unknown ? 'checklist.unknown' : 'checklist.open')}</span>
              {path && !c.done && page && pageRight(me, page) !== undefined ? (
                <Link to={path}>{text}</Link>
              ) : (
                <span className={c.done ? 'muted' : ''}>{text}</span>
              )}
              {c.unknown && <p className="muted">{c.unknown}</p>}
            </li>
          );
        })}
      </ol>
    </section>
  );
}
