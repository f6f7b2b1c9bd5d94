import { useId, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Law } from '../api/client';
import { Overlay } from '../frame/Overlay';
import { useLang } from '../session/preferences';

const known = ['V', 'V2', 'M+', 'M', 'M-', 'own'];

/** What a mark says, in words; anything unknown counts as not confirmed. */
export function useMarkWords(): (mark: string) => string {
  const { t } = useTranslation();
  return (mark) => t(`mark.${known.includes(mark) ? mark : 'M'}`);
}

/** The certainty of a figure of law: text, never a colour; opens document, article, our wording. */
export function Certainty({ law, short }: { law: Law; short?: boolean }) {
  const { t } = useTranslation();
  const lang = useLang();
  const words = useMarkWords();
  const [open, setOpen] = useState(false);
  const id = useId();
  const note = law.note?.[lang] ?? law.note?.vi;
  const sure = law.mark === 'V' || law.mark === 'V2';
  return (
    <>
      <button type="button" className="chip certainty" onClick={() => setOpen(true)} aria-describedby={id}>
        {law.mark === 'own' ? t('mark.ownShort') : sure ? law.mark : `${law.mark} · ${t('mark.unconfirmed')}`}
        {!short && law.mark === 'V' && ` · ${t('mark.notCompared')}`}
      </button>
      <span id={id} className="sr">
        {words(law.mark)}
      </span>
      {open && (
        <Overlay title={`${law.document} ${law.article}`.trim()} onClose={() => setOpen(false)} width={420}>
          <div className="overlay-body">
            <dl className="facts">
              <dt>{t('law.document')}</dt>
              <dd>{law.document}</dd>
              {law.article && (
                <>
                  <dt>{t('law.article')}</dt>
                  <dd>{law.article}</dd>
                </>
              )}
              <dt>{t('law.mark')}</dt>
              <dd>
                {law.mark}: {words(law.mark)}
              </dd>
              {note && (
                <>
                  <dt>{t('law.note')}</dt>
                  <dd>{note}</dd>
                </>
              )}
            </dl>
          </div>
        </Overlay>
      )}
    </>
  );
}
