import { Button } from 'antd';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { fromLocalField, listed, toLocalField } from '../format/time';
import type { Range } from '../frame/url';
import { ranges } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { useLang } from '../session/preferences';
import { DayField } from './DayField';
import { Icon } from './icons';

/** The time range of a page: named ranges, own times, and steps by its own width. */
export function RangeField({ range, onChange, wide }: { range: Range; onChange: (name: string) => void; wide?: boolean }) {
  const { t } = useTranslation();
  const lang = useLang();
  const [own, setOwn] = useState(false);
  const [from, setFrom] = useState('');
  const [to, setTo] = useState('');
  const select = useRef<HTMLSelectElement>(null);
  const step = (dir: 1 | -1) => {
    const w = range.to - range.from;
    onChange(`${Math.round(range.from + dir * w)}_${Math.round(range.to + dir * w)}`);
  };
  useEffect(() => {
    setFrom(toLocalField(range.from));
    setTo(toLocalField(range.to));
  }, [range]);
  useKeys([
    { keys: ['t'], label: 'time', act: () => select.current?.focus() },
    { keys: ['shift+ArrowLeft'], label: 'earlier', act: () => step(-1) },
    { keys: ['shift+ArrowRight'], label: 'later', act: () => step(1) },
  ]);
  const a = fromLocalField(from);
  const b = fromLocalField(to);
  return (
    <div className="range">
      <button
        type="button"
        className="range-step"
        onClick={() => step(-1)}
        aria-label={t('range.earlier')}
        title={`${t('range.earlier')} (Shift ←)`}
      >
        ◀
      </button>
      <label className="range-select">
        <Icon name="calendar" size={14} />
        <select
          ref={select}
          aria-label={t('range.label')}
          value={range.moving ? range.name : 'custom'}
          onChange={(e) => {
            if (e.target.value === 'custom') setOwn(true);
            else {
              setOwn(false);
              onChange(e.target.value);
            }
          }}
        >
          {ranges.map((r) => (
            <option key={r} value={r}>
              {t(`range.${r}`)}
            </option>
          ))}
          <option value="custom">
            {range.moving
              ? t('range.custom')
              : `${listed(range.from, lang).slice(0, -3)} → ${listed(range.to, lang).slice(0, -3)}`}
          </option>
        </select>
      </label>
      <button
        type="button"
        className="range-step"
        onClick={() => step(1)}
        aria-label={t('range.later')}
        title={`${t('range.later')} (Shift →)`}
      >
        ▶
      </button>
      {(own || (wide && !range.moving)) && (
        <form
          className="range-own"
          onSubmit={(e) => {
            e.preventDefault();
            if (a !== undefined && b !== undefined && b > a) {
              onChange(`${from}_${to}`);
              setOwn(false);
            }
          }}
        >
          <span>
            {t('range.from')} <DayField time label={t('range.from')} value={from} onChange={setFrom} />
          </span>
          <span>
            {t('range.to')} <DayField time label={t('range.to')} value={to} onChange={setTo} />
          </span>
          <Button size="small" htmlType="submit" disabled={a === undefined || b === undefined || b <= a}>
            {t('range.apply')}
          </Button>
        </form>
      )}
    </div>
  );
}
