import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Posture, Severity } from './tokens';

const severityShape: Record<Severity, ReactNode> = {
  critical: (
    <>
      <path className="fill" d="M4.7 1h6.6L15 4.7v6.6L11.3 15H4.7L1 11.3V4.7z" />
      <path className="on" d="M7.1 3.9h1.8v5H7.1zM7.1 10.3h1.8v1.8H7.1z" />
    </>
  ),
  high: (
    <>
      <path className="fill" d="M8 1.2 15.4 14.6H.6z" />
      <path className="on" d="M7.2 5.6h1.6v4.4H7.2zM7.2 11.2h1.6v1.6H7.2z" />
    </>
  ),
  medium: <path className="fill" d="M8 1.2 14.8 8 8 14.8 1.2 8z" />,
  low: <circle className="fill" cx="8" cy="8" r="5.6" />,
  informational: <circle className="ring" cx="8" cy="8" r="4.8" />,
};

export function isSeverity(s: string): s is Severity {
  return s in severityShape;
}

/** Shape, word and colour, always together; with word="hidden" the word is for screen readers. */
export function SeveritySign({
  level,
  word = 'shown',
  size = 14,
}: {
  level: string;
  word?: 'shown' | 'hidden' | 'none';
  size?: number;
}) {
  const { t } = useTranslation();
  const s: Severity = isSeverity(level) ? level : 'informational';
  return (
    <span className={`sev sev-${s}`}>
      <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {severityShape[s]}
      </svg>
      {word === 'shown' && <span className="sev-word">{t(`severity.${s}`)}</span>}
      {word === 'hidden' && <span className="sr">{t(`severity.${s}`)}</span>}
    </span>
  );
}

const postureShape: Record<Posture, ReactNode> = {
  met: (
    <>
      <rect className="box" x="1.2" y="1.2" width="13.6" height="13.6" rx="2.4" />
      <path className="stroke" d="m4.6 8.3 2.4 2.4 4.5-5" />
    </>
  ),
  not_met: (
    <>
      <rect className="box" x="0.8" y="0.8" width="14.4" height="14.4" rx="2.4" />
      <path className="stroke" d="m5.2 5.2 5.6 5.6M10.8 5.2l-5.6 5.6" />
    </>
  ),
  unknown: (
    <>
      <path className="stripe" d="M1.5 6.5 6.5 1.5M1.5 11.5l10-10M4.5 14.5l10-10M9.5 14.5l5-5" />
      <rect className="box" x="1.2" y="1.2" width="13.6" height="13.6" rx="2.4" />
      <rect className="ground" x="4.4" y="3" width="7.2" height="10" rx="2" />
      <path className="stroke" d="M5.9 6.3a2.1 2.1 0 1 1 3.2 1.8c-.8.5-1.1.8-1.1 1.5M8 11.9v.1" />
    </>
  ),
  not_applicable: (
    <>
      <rect className="box" x="1.5" y="1.5" width="13" height="13" rx="2.4" />
      <path className="stroke" d="M5.5 8h5" />
    </>
  ),
};

export function isPosture(s: string | undefined): s is Posture {
  return s !== undefined && s in postureShape;
}

export function PostureSign({
  state,
  word = 'shown',
  size = 14,
  label,
}: {
  state: string | undefined;
  word?: 'shown' | 'hidden' | 'none';
  size?: number;
  label?: string;
}) {
  const { t } = useTranslation();
  const s: Posture = isPosture(state) ? state : 'unknown';
  return (
    <span className={`pos pos-${s}`}>
      <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
        {postureShape[s]}
      </svg>
      {word === 'shown' && <span className="pos-word">{label ?? t(`posture.${s}`)}</span>}
      {word === 'hidden' && <span className="sr">{label ?? t(`posture.${s}`)}</span>}
    </span>
  );
}

/** Sources reuse the posture signs; thin and skewed are a half-filled circle. */
export function SourceSign({
  state,
  word = 'shown',
  size = 14,
}: {
  state: string;
  word?: 'shown' | 'hidden' | 'none';
  size?: number;
}) {
  const { t } = useTranslation();
  if (state === 'thin' || state === 'skewed')
    return (
      <span className="pos half">
        <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
          <circle className="ring" cx="8" cy="8" r="5.8" />
          <path className="fill" d="M8 2.2a5.8 5.8 0 0 1 0 11.6z" />
        </svg>
        {word === 'shown' && <span className="pos-word">{t(`sourceState.${state}`)}</span>}
        {word === 'hidden' && <span className="sr">{t(`sourceState.${state}`)}</span>}
      </span>
    );
  const as: Record<string, Posture> = {
    receiving: 'met',
    silent: 'unknown',
    garbled: 'not_met',
    never: 'not_applicable',
    unknown: 'unknown',
  };
  return <PostureSign state={as[state] ?? 'unknown'} word={word} size={size} label={t(`sourceState.${state}`)} />;
}

/** A state with how many are in it; where none is, the word stands without the sign: a green tick beside 0 claims nothing. */
export function CountedSign({
  state,
  n,
  size = 12,
  children,
}: {
  state: Posture;
  n: number;
  size?: number;
  children: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <span>
      {n > 0 ? <PostureSign state={state} size={size} /> : <span className="muted">{t(`posture.${state}`)}</span>} {children}
    </span>
  );
}

/** A state of parts other than posture: good, bad, unknown. */
export function StateSign({ good, label }: { good: boolean | undefined; label: string }) {
  return <PostureSign state={good === undefined ? 'unknown' : good ? 'met' : 'not_met'} label={label} />;
}

export function DemoChip({
  demo,
  exercise,
  label,
}: {
  demo?: boolean | undefined;
  exercise?: boolean | undefined;
  label?: string;
}) {
  const { t } = useTranslation();
  if (!demo && !exercise) return null;
  return (
    <>
      {demo && <span className="chip chip-demo">{label ?? t('chip.demo')}</span>}
      {exercise && <span className="chip chip-demo">{t('chip.exercise')}</span>}
    </>
  );
}
