import { useEffect, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { Words } from '../evidence/Said';
import { useKeys } from '../keys/useKeys';
import { Icon } from './icons';

export interface Toast {
  text: string;
  kind?: 'info' | 'error';
  undo?: () => void;
}

let current: (Toast & { id: number; times: number }) | null = null;
let next = 1;
const listeners = new Set<() => void>();

function tell(): void {
  for (const l of listeners) l();
}

/** Shows one line: 6 s, 10 s with an undo. Repeats fold into ×12. */
export function toast(t: Toast): void {
  current = { ...t, id: next++, times: current && current.text === t.text && !t.undo ? current.times + 1 : 1 };
  tell();
}

export function dismissToast(): void {
  current = null;
  tell();
}

/**
 * The message stands in the status bar, before its parts: a place where it covers nothing that a person presses. A long one lets the
 * bar grow instead of lying on the page.
 */
export function ToastPlace() {
  const { t } = useTranslation();
  const shown = useSyncExternalStore(
    (l) => {
      listeners.add(l);
      return () => listeners.delete(l);
    },
    () => current,
  );
  const undo = () => {
    const f = shown?.undo;
    dismissToast();
    f?.();
  };
  useKeys([{ keys: ['z'], label: 'undo', act: undo }], { on: Boolean(shown?.undo) });
  useEffect(() => {
    if (!shown) return;
    const timer = setTimeout(dismissToast, shown.undo ? 10_000 : shown.kind === 'error' ? 12_000 : 6000);
    return () => clearTimeout(timer);
  }, [shown]);
  return (
    <div className="toast-place" aria-live="polite" role="status">
      {shown && (
        <div className={`toast toast-${shown.kind ?? 'info'}`}>
          <span>
            <Words text={shown.text} />
            {shown.times > 1 && <span className="num"> ×{shown.times}</span>}
          </span>
          {shown.undo && (
            <button type="button" className="link" onClick={undo} aria-keyshortcuts="z">
              {t('act.undo')} <kbd>Z</kbd>
            </button>
          )}
          <button type="button" className="toast-close" aria-label={t('act.dismiss')} onClick={dismissToast}>
            <Icon name="close" size={12} />
          </button>
        </div>
      )}
    </div>
  );
}
