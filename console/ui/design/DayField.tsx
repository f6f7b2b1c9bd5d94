import { type Ref, useEffect, useState } from 'react';
import { readDay, readTime, shownDay } from '../format/day';
import { useLang } from '../session/preferences';

interface Props {
  id?: string;
  label: string;
  /** yyyy-mm-dd, or yyyy-mm-ddThh:mm with time */
  value: string;
  time?: boolean;
  min?: string;
  max?: string;
  onChange: (value: string) => void;
  ref?: Ref<HTMLInputElement>;
}

/** A day, typed in the person's own form; the browser's picker would show it in the browser's language and zone. */
export function DayField({ id, label, value, time, min, max, onChange, ref }: Props) {
  const lang = useLang();
  const [day = '', clock = ''] = value.split('T');
  const shown = time ? `${shownDay(day, lang)} ${clock}` : shownDay(day, lang);
  const [text, setText] = useState(shown);
  useEffect(() => setText(shown), [shown]);
  const year = Number(day.slice(0, 4)) || 2026;
  const read = time ? readTime(text, year) : readDay(text, year);
  const good = read !== undefined && (!min || read >= min) && (!max || read <= max);
  const take = () => {
    if (good && read !== value) onChange(read);
    else if (!good) setText(shown);
  };
  return (
    <input
      ref={ref}
      id={id}
      className="day-field num"
      type="text"
      inputMode="numeric"
      aria-label={label}
      aria-invalid={!good}
      placeholder={`${lang === 'vi' ? 'dd/mm/yyyy' : 'yyyy-mm-dd'}${time ? ' hh:mm' : ''}`}
      size={time ? 16 : 10}
      value={text}
      onChange={(e) => setText(e.target.value)}
      onBlur={take}
      onKeyDown={(e) => {
        if (e.key === 'Enter') take();
        if (e.key === 'Escape') {
          setText(shown);
          e.currentTarget.blur();
        }
      }}
    />
  );
}
