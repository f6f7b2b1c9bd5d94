import { useTranslation } from 'react-i18next';
import { Evidence } from '../evidence/Evidence';

/** The trouble as a sentence for a message of one line. */
export function plainTrouble(text: string, t: (k: string) => string): string {
  const code = ownTrouble(text);
  return code ? t(`national.trouble.${code}`) : text;
}

const troubles = [
  'server_expired',
  'server_name',
  'server_ca',
  'server_tls',
  'client_refused',
  'no_name',
  'no_service',
  'no_route',
  'no_answer',
] as const;

/** The way in which the connection failed before the far side said anything, where the text tells of one. */
export const ownTrouble = (text: string) => troubles.find((x) => text.startsWith(`${x}: `));

/** Why the centre was not reached, in the reader's words where the product knows them; the far side's own as they are. */
export function FarSide({ text, short }: { text: string; short?: boolean }) {
  const { t } = useTranslation();
  const code = ownTrouble(text);
  if (code && short) return t(`national.trouble.${code}`).split(': ')[0];
  return (
    <>
      {code && `${t(`national.trouble.${code}`)} `}
      <Evidence value={code ? text.slice(code.length + 2) : text} mode="detail" />
    </>
  );
}
