import { type ReactNode, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Icon } from '../design/icons';
import { useKeys } from '../keys/useKeys';

/** A layer above the page: keeps the focus in, gives it back, closes with Esc. */
export function Overlay({
  title,
  onClose,
  children,
  width = 560,
  top = false,
  bare = false,
}: {
  title: string;
  onClose: () => void;
  children: ReactNode;
  width?: number;
  top?: boolean;
  bare?: boolean;
}) {
  const { t } = useTranslation();
  const box = useRef<HTMLDialogElement>(null);
  useKeys([{ keys: ['Escape'], label: 'close', act: onClose, always: true }], { modal: true });
  // who had the focus is asked before fields of the layer take it
  const [opener] = useState(() => document.activeElement as HTMLElement | null);
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const wanted = el.contains(document.activeElement) ? (document.activeElement as HTMLElement) : null;
    el.showModal();
    (wanted ?? el.querySelector<HTMLElement>('.overlay-body :is(input, textarea, select, button)'))?.focus();
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
        onClose();
      }}
      onMouseDown={(e) => {
        if (e.target === box.current) onClose();
      }}
    >
      <div className="overlay-in">
        {!bare && (
          <div className="overlay-head">
            <h2>{title}</h2>
            <button type="button" className="top-button" onClick={onClose} aria-label={t('act.back')}>
              <Icon name="close" />
            </button>
          </div>
        )}
        {children}
      </div>
    </dialog>
  );
}
