import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

/** The key of the second factor for who cannot scan it: in groups of four to type, whole to copy. */
export function TotpKey({ secret }: { secret: string }) {
  const { t } = useTranslation();
  const [done, setDone] = useState(false);
  return (
    <>
      <p className="secret" data-testid="totp-secret">
        {secret.match(/.{1,4}/g)?.join(' ')}
      </p>
      <Button
        size="small"
        onClick={() =>
          navigator.clipboard?.writeText(secret).then(
            () => setDone(true),
            () => setDone(false),
          )
        }
      >
        {t(done ? 'act.copied' : 'act.copy')}
      </Button>
    </>
  );
}
