import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { number } from '../format/number';
import { useLang } from '../session/preferences';
import { cut, DETAIL_LIMIT, escaped, hasControls, mixedScript, type Piece, pieces, ROW_LIMIT } from './escape';

interface Props {
  /** anything from a log, file, name, rule author or other system */
  value: unknown;
  /** row: one line, 256 characters; detail: 4 KB at a time, line breaks kept */
  mode?: 'row' | 'detail';
  /** a host, domain, account or file name: warn of mixed scripts */
  name?: boolean;
  /** mark these plain parts of the value */
  highlight?: string;
  className?: string;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  try {
    return JSON.stringify(value);
  } catch {
    return String(value);
  }
}

/** The one way by which text of others reaches the screen: text nodes, boxes for what would hide or reorder, a limit. */
export function Evidence({ value, mode = 'row', name, highlight, className }: Props) {
  const [steps, setSteps] = useState(1);
  const { t } = useTranslation();
  const lang = useLang();
  const raw = textOf(value);
  const multiline = mode === 'detail';
  const { text, rest } = cut(raw, multiline ? DETAIL_LIMIT * steps : ROW_LIMIT);
  const strange = name ? mixedScript(text) : [];
  const Tag = multiline ? 'div' : 'span';
  return (
    <Tag className={`ev ev-${mode}${className ? ` ${className}` : ''}`} dir="ltr" lang="zxx" translate="no">
      {strange.length > 0 && (
        <span className="ev-warn" title={strange.join(' ')}>
          ⚠<span className="sr">{t('evidence.mixed', { points: strange.join(' ') })}</span>
        </span>
      )}
      <Parts text={text} multiline={multiline} highlight={highlight} />
      {rest > 0 && mode === 'row' && <span className="ev-rest">…</span>}
      {rest > 0 && multiline && (
        <span className="ev-more">
          {t('evidence.more', { n: number(rest, lang) })}{' '}
          <button type="button" className="link" onClick={() => setSteps(steps + 1)}>
            {t('evidence.show')}
          </button>
        </span>
      )}
    </Tag>
  );
}

/** Text nodes, and boxes for what would hide or reorder. */
export function Parts({ text, multiline, highlight }: { text: string; multiline: boolean; highlight?: string | undefined }) {
  return pieces(text, { multiline }).map((p, i) => <Part key={i} piece={p} highlight={highlight} />);
}

function Part({ piece, highlight }: { piece: Piece; highlight: string | undefined }) {
  if (piece.kind === 'box')
    return (
      <span className="ev-box" dir="ltr">
        {piece.text}
      </span>
    );
  if (!highlight) return piece.text;
  const at = piece.text.toLowerCase().indexOf(highlight.toLowerCase());
  if (at < 0) return piece.text;
  return (
    <>
      {piece.text.slice(0, at)}
      <mark className="ev-hit">{piece.text.slice(at, at + highlight.length)}</mark>
      {piece.text.slice(at + highlight.length)}
    </>
  );
}

/** Copies the escaped single line; the raw text only by a second action that says what it may do. */
export function CopyEvidence({ value }: { value: unknown }) {
  const { t } = useTranslation();
  const [done, setDone] = useState<'' | 'escaped' | 'raw'>('');
  const raw = textOf(value);
  const copy = (text: string, what: 'escaped' | 'raw') => {
    navigator.clipboard?.writeText(text).then(() => setDone(what));
  };
  return (
    <span className="ev-copy">
      <button type="button" className="link" onClick={() => copy(escaped(raw), 'escaped')}>
        {done === 'escaped' ? t('act.copied') : t('act.copy')}
      </button>
      {hasControls(raw) && (
        <button type="button" className="link" onClick={() => copy(raw, 'raw')} aria-description={t('evidence.rawWarning')}>
          {done === 'raw' ? t('act.copied') : `${t('evidence.copyRaw')} (${t('evidence.rawWarning')})`}
        </button>
      )}
    </span>
  );
}
