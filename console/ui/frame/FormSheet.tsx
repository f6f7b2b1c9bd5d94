import { Button } from 'antd';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { problemText } from '../design/states';
import { Overlay } from './Overlay';

/**
 * A form in a layer above the page: its fields, what stands against it, the button that does it and the way back. While it is being
 * saved it can neither be sent again nor left; what the server refuses is said under the fields, which stay as they were typed.
 */
export function FormSheet({
  title,
  width = 480,
  action,
  danger = false,
  ready = true,
  check,
  save,
  failed,
  onProblem,
  onClose,
  children,
  below,
}: {
  title: string;
  width?: number;
  /** on the button; "Lưu" where nothing is given */
  action?: ReactNode;
  danger?: boolean;
  /** false: the button waits for what is still missing */
  ready?: boolean;
  /** what is wrong before anything is sent */
  check?: () => string | undefined;
  /** sends it, and closes the sheet when there is nothing more to show; what it throws is shown */
  save: () => Promise<unknown>;
  /** the words where the server gave none */
  failed: string;
  onProblem?: (x: unknown) => void;
  onClose: () => void;
  children: ReactNode;
  /** under the problem, above the buttons */
  below?: ReactNode;
}) {
  const { t } = useTranslation();
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (busy || !ready) return;
    const wrong = check?.() ?? '';
    setProblem(wrong);
    if (wrong) return;
    setBusy(true);
    try {
      await save();
    } catch (x) {
      onProblem?.(x);
      setProblem(problemText(x, failed));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Overlay title={title} onClose={onClose} width={width} busy={busy}>
      <form
        className="overlay-body form"
        onSubmit={submit}
        onKeyDown={(e) => {
          if (e.key === 'Enter' && e.ctrlKey) submit(e);
        }}
        noValidate
      >
        {children}
        {problem && (
          <p className="banner banner-danger" role="alert">
            {problem}
          </p>
        )}
        {below}
        <div className="row sheet-actions">
          <Button type="primary" danger={danger} htmlType="submit" disabled={!ready} loading={busy}>
            {action ?? t('act.save')}
          </Button>
          <Button onClick={onClose} disabled={busy}>
            {t('act.back')}
          </Button>
        </div>
      </form>
    </Overlay>
  );
}
