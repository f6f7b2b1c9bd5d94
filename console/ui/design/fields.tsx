import { Input } from 'antd';
import type { ComponentProps } from 'react';

type Given = { id: string; label: string; onChange: (value: string) => void; hint?: string };

/** A line of text with its label; machine text is written in mono. autoFocus: the layer it stands in gives it the focus. */
export function TextField({
  id,
  label,
  onChange,
  hint,
  machine = false,
  autoFocus = false,
  ...rest
}: Given & { machine?: boolean } & Omit<ComponentProps<typeof Input>, 'id' | 'onChange'>) {
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      <Input
        id={id}
        {...(machine ? { className: 'num' } : {})}
        onChange={(e) => onChange(e.target.value)}
        {...(autoFocus ? { 'data-autofocus': '' } : {})}
        {...rest}
      />
      {hint && <p className="hint">{hint}</p>}
    </div>
  );
}

/** One of several, with its label. A value that is not among them is shown as it is written: another would look like what is kept. */
export function Choice({
  id,
  label,
  value,
  onChange,
  hint,
  options,
}: Given & { value: string; options: readonly (readonly [value: string, text: string])[] }) {
  return (
    <div>
      <label htmlFor={id}>{label}</label>
      <select id={id} className="select" value={value} onChange={(e) => onChange(e.target.value)}>
        {(options.some(([v]) => v === value) ? options : [[value, value] as const, ...options]).map(([v, text]) => (
          <option key={v} value={v}>
            {text}
          </option>
        ))}
      </select>
      {hint && <p className="hint">{hint}</p>}
    </div>
  );
}
