import { Button } from 'antd';
import { type ChangeEvent, type FormEvent, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AssetsImported, client, take } from '../api/client';
import { problemText } from '../design/states';
import { toast } from '../design/toast';
import { Words } from '../evidence/Said';
import { number } from '../format/number';
import { Overlay } from '../frame/Overlay';
import { useLang } from '../session/preferences';

const most = 1 << 20; // bytes that the server takes

/** Declares many machines from a pasted list or a CSV file: it is checked first, and imported only when every row fits. */
export function AssetImport({ system, onClose, onDone }: { system: string; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const [text, setText] = useState('');
  const [checked, setChecked] = useState<AssetsImported>(); // of the text as it stands
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const put = (s: string) => {
    setText(s);
    setChecked(undefined);
    setError('');
  };
  const read = async (e: ChangeEvent<HTMLInputElement>) => {
    const chosen = e.target.files?.[0];
    e.target.value = ''; // the same file may be chosen again once it is mended
    if (!chosen) return;
    put('');
    if (chosen.size > most) {
      setError(t('assets.importTooLarge'));
      return;
    }
    try {
      put(new TextDecoder('utf-8', { fatal: true }).decode(await chosen.arrayBuffer()));
    } catch {
      setError(t('assets.importUnread'));
    }
  };
  const fits = checked && checked.wrong.length === 0 && checked.added > 0;
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    setBusy(true);
    setError('');
    try {
      const answer = await take(client.POST('/api/assets/import', { body: { text, system, check: !fits } }));
      if (answer.done) {
        toast({ text: t('assets.imported', { count: answer.added }) });
        onDone();
        onClose();
        return;
      }
      setChecked(answer);
    } catch (x) {
      setError(problemText(x, t('assets.notImported')));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Overlay title={t('assets.importTitle')} onClose={onClose} width={680} busy={busy}>
      <form className="overlay-body form" onSubmit={submit} noValidate>
        <p>{t('assets.importHint')}</p>
        <div>
          <label htmlFor="asset-rows">{t('assets.importRows')}</label>
          <textarea
            id="asset-rows"
            className="textarea num"
            rows={10}
            value={text}
            onChange={(e) => put(e.target.value)}
            disabled={busy}
            spellCheck={false}
          />
        </div>
        <input
          ref={file}
          type="file"
          accept=".csv,.tsv,.txt,text/csv"
          className="sr"
          tabIndex={-1}
          aria-label={t('assets.importFile')}
          onChange={read}
        />
        <div role="status">
          {checked && checked.wrong.length === 0 && (
            <p>
              {checked.added > 0
                ? t('assets.importFits', { added: number(checked.added, lang), same: number(checked.unchanged, lang) })
                : t('assets.importNone')}
            </p>
          )}
          {checked && checked.wrong.length > 0 && (
            <>
              <p className="danger-text">{t('assets.importWrong', { count: checked.wrong.length })}</p>
              <ul>
                {checked.wrong.map((w, i) => (
                  <li key={`${w.line} ${i}`}>
                    {t('assets.importLine', { n: number(w.line, lang) })}: <Words text={w.detail} />{' '}
                    {w.fields.map((f) => f.detail).join(' ')}
                  </li>
                ))}
              </ul>
            </>
          )}
        </div>
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div className="row sheet-actions">
          <Button type="primary" htmlType="submit" loading={busy} disabled={!text.trim()}>
            {fits ? t('assets.importDo', { count: checked.added }) : t('assets.importCheck')}
          </Button>
          <Button onClick={() => file.current?.click()} disabled={busy}>
            {t('assets.importFile')}
          </Button>
          <Button onClick={onClose} disabled={busy}>
            {t('act.back')}
          </Button>
        </div>
      </form>
    </Overlay>
  );
}
