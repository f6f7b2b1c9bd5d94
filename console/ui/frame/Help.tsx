import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { boundNow } from '../keys/useKeys';
import { useMe } from '../session/session';
import { Overlay } from './Overlay';
import { pagesOf } from './pages';

const shown: Record<string, string> = {
  ArrowDown: '↓',
  ArrowUp: '↑',
  ArrowLeft: '←',
  ArrowRight: '→',
  'ctrl+k': 'Ctrl K',
  'ctrl+a': 'Ctrl A',
  'ctrl+Enter': 'Ctrl Enter',
  Escape: 'Esc',
  A: 'Shift A',
  J: 'Shift J',
  K: 'Shift K',
  'shift+ArrowDown': 'Shift ↓',
};

/** The keys that act on this page now, as bound; nothing is listed that does nothing. */
export function Help({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  const me = useMe();
  const [bindings] = useState(boundNow);
  const seen = new Set<string>();
  const rows = bindings.filter((b) => {
    if (!b.label || seen.has(b.label)) return false;
    seen.add(b.label);
    return true;
  });
  return (
    <Overlay title={t('frame.help')} onClose={onClose} width={620}>
      <div className="help">
        <table>
          <caption>{t('frame.helpPage')}</caption>
          <tbody>
            {rows.map((b) => (
              <tr key={b.label}>
                <td>
                  {b.keys.slice(0, 2).map((k) => (
                    <kbd key={k}>{shown[k] ?? k}</kbd>
                  ))}
                </td>
                <td>{t(`keys.${b.label}`)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <table>
          <caption>{t('frame.helpGo')}</caption>
          <tbody>
            {pagesOf(me)
              .flatMap((g) => g.pages)
              .map((p) => (
                <tr key={p.id}>
                  <td>
                    <kbd>g</kbd> <kbd>{p.key}</kbd>
                  </td>
                  <td>{t(`page.${p.id}`)}</td>
                </tr>
              ))}
            <tr>
              <td>
                <kbd>g</kbd> <kbd>g</kbd>
              </td>
              <td>{t('frame.bell')}</td>
            </tr>
          </tbody>
        </table>
      </div>
    </Overlay>
  );
}
