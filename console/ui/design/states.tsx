import { Button } from 'antd';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ProblemError } from '../api/client';
import { Words } from '../evidence/Said';
import { minute } from '../format/time';
import i18n from '../locales/i18n';
import { useMe } from '../session/session';

/** A skeleton after 150 ms; after 3 s how long it has taken, with a way to stop. */
export function Loading({ what, rows = 8, onStop }: { what: string; rows?: number; onStop?: () => void }) {
  const { t } = useTranslation();
  const [s, setS] = useState(-1);
  useEffect(() => {
    const from = Date.now();
    const first = setTimeout(() => setS(0), 150);
    const each = setInterval(() => setS(Math.floor((Date.now() - from) / 1000)), 1000);
    return () => {
      clearTimeout(first);
      clearInterval(each);
    };
  }, []);
  if (s < 0) return null;
  return (
    <div aria-busy="true">
      {s >= 3 && (
        <p className="state" role="status">
          {t('state.loading', { what: t(`noun.${what}`), n: s })}{' '}
          {onStop && (
            <button type="button" className="link" onClick={onStop}>
              {t('act.stop')}
            </button>
          )}
        </p>
      )}
      {s < 3 &&
        Array.from({ length: rows }, (_, i) => (
          <div key={i} className="skeleton" style={{ width: `${88 - ((i * 37) % 40)}%` }} />
        ))}
    </div>
  );
}

/** What went wrong and what to do; the texts of the server come first, in the person's language. */
export function Failed({
  error,
  what,
  id,
  at,
  retry,
  title,
}: {
  error: unknown;
  what: string;
  id?: string | undefined;
  /** heading of a page that has nothing else to show */
  title?: string;
  at?: number;
  retry?: () => void;
}) {
  const { t } = useTranslation();
  const me = useMe();
  const p = error instanceof ProblemError ? error : new ProblemError(0, {});
  let text: ReactNode;
  if (p.status === 0)
    text = (
      <>
        <p className="strong">{t('state.away')}</p>
        <p>{t('state.awayDo')}</p>
      </>
    );
  else if (p.status === 403)
    text = (
      <>
        <p className="strong">{t('state.denied', { what: t(`noun.${what}`) })}</p>
        <p>{t('state.deniedRole', { role: me.roles.map((r) => t(`role.${r}`)).join(', '), who: t('role.administrator') })}</p>
      </>
    );
  else if (p.status === 404) text = <p>{id ? <Words text={t('state.absent', { id })} /> : t('state.absentPage')}</p>;
  else if (p.status === 503 || p.status === 501)
    text = (
      <>
        <p className="strong">
          <Words text={p.problem.detail || t('state.partAway', { what: t(`noun.${what}`) })} />
        </p>
        {p.problem.do && <p>{p.problem.do}</p>}
      </>
    );
  else
    text = (
      <>
        <p className="strong">
          {t('state.failed', { what: t(`noun.${what}`) })}
          {at ? ` ${t('state.failedFrom', { time: minute(at) })}` : ''}
        </p>
        {p.problem.detail && (
          <p>
            <Words text={p.problem.detail} />
          </p>
        )}
        {p.problem.do && <p>{p.problem.do}</p>}
        <p>{t('state.failedDo', { code: p.problem.trace ?? p.code })}</p>
      </>
    );
  return (
    <div className="state" role="alert">
      {title && <h1>{title}</h1>}
      {text}
      {retry && p.status !== 403 && p.status !== 404 && (
        <div className="actions">
          <Button onClick={retry}>{t('act.retry')}</Button>
        </div>
      )}
    </div>
  );
}

export function Empty({ children, actions }: { children: ReactNode; actions?: ReactNode }) {
  return (
    <div className="state">
      <p>{children}</p>
      {actions && <div className="actions">{actions}</div>}
    </div>
  );
}

/**
 * Stands beside what is made from an answer of the server (a list to choose from, names, a preview) and says in one line that it could not
 * be had, with the cause: what is left out alone would look as if there were nothing. Draws nothing while there is no failure.
 */
export function Unread({ list, what }: { list: Asked; what: string }) {
  const { t } = useTranslation();
  if (!list.isError) return null;
  return (
    <p className="small muted" role="alert">
      <Words text={problemText(list.error, t('state.failed', { what: t(`noun.${what}`) }))} />{' '}
      {list.data !== undefined && `${t('state.failedFrom', { time: minute(list.dataUpdatedAt) })} `}
      <button type="button" className="link" onClick={() => list.refetch()}>
        {t('act.retry')}
      </button>
    </p>
  );
}

/** A question to the server, as far as its failure is concerned. */
interface Asked {
  isError: boolean;
  error: unknown;
  data: unknown;
  dataUpdatedAt: number;
  refetch: () => unknown;
}

/** One line for what a deed was refused with. */
export function problemText(error: unknown, fallback: string): string {
  if (error instanceof ProblemError && error.status === 0) return `${i18n.t('state.away')}. ${i18n.t('state.awayDo')}`;
  if (error instanceof ProblemError && error.problem.detail)
    return (
      [error.problem.detail, ...(error.problem.fields ?? []).map((f) => `${f.label}: ${f.detail}`), error.problem.do]
        .filter((x) => x !== undefined && x !== '')
        // each is a sentence of its own, also where the server ended it with no stop
        .map((x) => (/[.?!…]$/.test(x as string) ? x : `${x}.`))
        .join(' ')
    );
  return fallback;
}
