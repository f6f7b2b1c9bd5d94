import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

/** Something shown once. */
export function Secret({ value }: { value: string }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  return (
    <>
      <div className="pre secret-once">{value}</div>
      <div className="row">
        <Button type="primary" onClick={() => navigator.clipboard?.writeText(value).then(() => setCopied(true))}>
          {copied ? t('act.copied') : t('act.copy')}
        </Button>
        <span className="muted small">{t('admin.once')}</span>
      </div>
    </>
  );
}
