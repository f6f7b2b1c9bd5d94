import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { useKeys } from '../keys/useKeys';

/**
 * A layer above the page: keeps the focus in, gives it back, closes with Esc, with its ✕ and by a press beside it. A press beside it
 * closes nothing once something was typed, nor what is shown only once; while something is under way nothing closes it, since its answer
 * would be lost. The focus goes to the field that asks for it (data-autofocus), otherwise to the first.
 */
export function Overlay({
  title,
  onClose,
  children,
  width = 560,
  top = false,
  bare = false,
  busy = false,
  once = false,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  width?: number;
  top?: boolean;
  bare?: boolean;
  /** something is under way */
  busy?: boolean;
  /** what it shows is not to be had again */
  once?: boolean;
}) {
  const { t } = useTranslation();
  const box = useRef<HTMLDialogElement>(null);
  const typed = useRef(false);
  const leave = () => {
    if (!busy) onClose();
  };
  useKeys([{ keys: ['Escape'], label: 'close', act: leave, always: true }], { modal: true });
  // who had the focus is asked before fields of the layer take it
  const [opener] = useState(() => document.activeElement as HTMLElement | null);
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    el.showModal();
    const first = (css: string) => el.querySelector<HTMLElement>(css);
    (first('[data-autofocus]') ?? first('.overlay-body :is(input, textarea, select, button)'))?.focus();
    return () => {
      el.close();
      opener?.focus?.({ preventScroll: true });
    };
  }, [opener]);
  return (
    <dialog
      ref={box}
      className={`overlay${top ? ' overlay-top' : ''}`}
      style={{ width }}
      aria-label={title}
      onCancel={(e) => {
        e.preventDefault();
        leave();
      }}
      onInput={() => {
        typed.current = !bare;
      }}
      onMouseDown={(e) => {
        if (e.target === box.current && !typed.current && !once) leave();
      }}
    >
      <div className="overlay-in">
        {!bare && (
          <div className="overlay-head">
            <h2>{title}</h2>
            <button type="button" className="top-button" onClick={leave} disabled={busy} aria-label={t('act.back')}>
              <Icon name="close" />
            </button>
          </div>
        )}
        {children}
      </div>
    </dialog>
  );
}
