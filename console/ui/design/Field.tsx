import type { ReactNode } from 'react';

/** A labelled field with what is wrong with it beside it. `children` gets the attributes that tie them together. */
export function Field({
  id,
  label,
  hint,
  wrong,
  children,
}: {
  id: string;
  label: string;
  hint?: ReactNode;
  wrong?: string | undefined;
  children: (tied: { id: string; 'aria-invalid'?: true; 'aria-describedby'?: string; status?: 'error' }) => ReactNode;
}) {
  const about = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(' ');
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      {children({
        id,
        ...(wrong ? { 'aria-invalid': true as const, status: 'error' as const } : {}),
        ...(about ? { 'aria-describedby': about } : {}),
      })}
      {wrong && (
        <p className="wrong" id={`${id}-wrong`}>
          {wrong}
        </p>
      )}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** Puts the focus on the first field that is wrong; whether there was one. */
export function focusWrong(wrong: Record<string, string | undefined>): boolean {
  const first = Object.keys(wrong).find((k) => wrong[k]);
  if (first) document.getElementById(first)?.focus();
  return first !== undefined;
}
