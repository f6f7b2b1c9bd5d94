import { type KeyboardEvent, type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate } from 'react-router';
import { counted } from '../format/counted';
import { number } from '../format/number';
import { listed, minute } from '../format/time';
import { useMedia } from '../frame/useMedia';
import { useLang, useTheme } from '../session/preferences';
import { core } from './echarts';
import { TableWrap } from './TableWrap';
import { face, palettes, type Severity } from './tokens';

export interface TimeBarsData {
  from: number;
  to: number;
  /** ms of a bar */
  step: number;
  /** bottom first */
  series: { key: string; name: string; values: [at: number, n: number][] }[];
  /** stretches of which nothing is known */
  gaps: [number, number][];
}

interface Props {
  id: string;
  title?: string;
  /** the finding in a sentence */
  label: string;
  height: number;
  data: TimeBarsData;
  legend?: ReactNode;
  palette: 'severity' | 'category';
  /** not all could be counted: no figure is said to be all */
  atLeast?: boolean | undefined;
  /** where a bar leads */
  link?: (at: number) => string;
  /** or what it does */
  onPick?: (at: number) => void;
}

/** A small canvas with diagonal stripes, as the pattern of what is not known. */
function stripes(line: string, ground: string): HTMLCanvasElement {
  const c = document.createElement('canvas');
  c.width = c.height = 8;
  const g = c.getContext('2d');
  if (g) {
    g.fillStyle = ground;
    g.fillRect(0, 0, 8, 8);
    g.strokeStyle = line;
    g.lineWidth = 2;
    g.beginPath();
    for (const d of [-8, 0, 8]) {
      g.moveTo(d, 8);
      g.lineTo(d + 8, 0);
    }
    g.stroke();
  }
  return c;
}

/** Whether the i-th of n bars has its time under it; with its day it is twice as wide. The first stands off the axis of figures. */
export const hasTime = (i: number, n: number, phone: boolean, day: boolean): boolean => {
  const every = Math.max(1, Math.ceil(n / (phone ? (day ? 2 : 4) : 8)));
  return i % every === every >> 1;
};

/** Half of what the figures' axis reaches: a round number, twice which no bar exceeds. */
export function halfStep(series: TimeBarsData['series']): number {
  const highest = Math.max(
    1,
    ...(series[0]?.values ?? []).map((_, i) => series.reduce((n, s) => n + (s.values[i]?.[1] ?? 0), 0)),
  );
  const unit = 10 ** Math.floor(Math.log10(highest / 2));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * unit).find((x) => 2 * x >= highest) ?? highest;
  return Math.max(1, Math.ceil(step));
}

/** Bars over time, zero based, gaps striped; Enter or a click on a bar opens it, Shift+T shows the numbers as a table. */
export default function TimeBars({ id, title, label, height, data, legend, palette, atLeast, link, onPick }: Props) {
  const { t } = useTranslation();
  const lang = useLang();
  const theme = useTheme();
  const phone = useMedia('(max-width: 700px)');
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const [table, setTable] = useState(false);
  const [at, setAt] = useState(-1);
  const pick = useRef<(at: number) => void>(() => undefined);
  pick.current = (when) => {
    if (onPick) onPick(when);
    else if (link) navigate(link(when));
  };
  const slots = useMemo(() => data.series[0]?.values.map((v) => v[0]) ?? [], [data]);

  useEffect(() => {
    const el = box.current;
    if (!el || table) return;
    const p = palettes[theme];
    const chart = core.init(el, null, { renderer: 'svg', height });
    const colour = (key: string, i: number) =>
      palette === 'severity' ? p.severity[key as Severity] : (p.category[i % p.category.length] as string);
    const day = data.to - data.from > 26 * 3_600_000;
    chart.setOption({
      animation: false,
      grid: { left: 36, right: 4, top: 8, bottom: 20 },
      textStyle: { fontFamily: face.text },
      xAxis: {
        type: 'category',
        data: slots.map(String),
        axisLine: { lineStyle: { color: p.line.base } },
        axisTick: { show: false },
        axisLabel: {
          color: p.text.three,
          fontSize: 11,
          // at even distances, eight at most: the library's own choice leaves gaps of different width
          interval: (i: number) => hasTime(i, slots.length, phone, day),
          formatter: (v: string) => (day ? listed(Number(v), lang).slice(0, 11) : minute(Number(v))),
        },
      },
      yAxis: {
        type: 'value',
        minInterval: 1,
        // three lines at most: the library draws one figure over the next where the chart is low
        max: 2 * halfStep(data.series),
        interval: halfStep(data.series),
        axisLabel: { color: p.text.three, fontSize: 11, formatter: (v: number) => number(v, lang) },
        splitLine: { lineStyle: { color: p.line.base } },
      },
      series: data.series.map((s, i) => ({
        type: 'bar',
        stack: 'all',
        name: s.name,
        data: s.values.map((v) => v[1]),
        barCategoryGap: slots.length > 60 ? '12%' : '40%',
        itemStyle: { color: colour(s.key, i), borderColor: p.bg.surface, borderWidth: data.series.length > 1 ? 0.8 : 0 },
        cursor: link || onPick ? 'pointer' : 'default',
        ...(i === 0 && data.gaps.length > 0
          ? {
              markArea: {
                silent: true,
                itemStyle: { color: { image: stripes(p.posture.unknown, p.unk.tint), repeat: 'repeat' } },
                data: data.gaps
                  .map(([a, b]) => [slots.findIndex((x) => x + data.step > a), slots.findLastIndex((x) => x < b)] as const)
                  .filter(([a, b]) => a >= 0 && b >= a)
                  .map(([a, b]) => [{ xAxis: a }, { xAxis: b }]),
              },
            }
          : {}),
      })),
    } as never);
    chart.on('click', (e: { dataIndex?: number }) => {
      const when = slots[e.dataIndex ?? -1];
      if (when !== undefined) pick.current(when);
    });
    const ro = new ResizeObserver(() => chart.resize());
    ro.observe(el);
    return () => {
      ro.disconnect();
      chart.dispose();
    };
  }, [data, slots, theme, lang, palette, height, table, link, onPick, phone]);

  const onKey = (e: KeyboardEvent) => {
    if (e.key === 'T' && e.shiftKey) setTable(!table);
    else if (e.key === 'ArrowRight') setAt(Math.min(slots.length - 1, at + 1));
    else if (e.key === 'ArrowLeft') setAt(Math.max(0, at < 0 ? slots.length - 1 : at - 1));
    else if (e.key === 'Enter' && slots[at] !== undefined) pick.current(slots[at]);
    else return;
    e.preventDefault();
    e.stopPropagation();
  };
  const gapAt = (x: number) => data.gaps.some(([a, b]) => x + data.step > a && x < b);
  const total = (x: number) => data.series.reduce((n, s) => n + (s.values.find((v) => v[0] === x)?.[1] ?? 0), 0);
  const current = slots[at];
  return (
    <>
      <div className="card-head">
        {title && <h2 id={id}>{title}</h2>}
        {legend && <span className="legend">{legend}</span>}
        {current !== undefined && (
          <span className="small" aria-live="polite">
            {listed(current, lang)}: {gapAt(current) ? t('chart.gap') : counted(total(current), { capped: atLeast }, lang, t)}
          </span>
        )}
        <button type="button" className="link end small" onClick={() => setTable(!table)} aria-keyshortcuts="Shift+T">
          {table ? t('chart.chart') : t('chart.table')}
        </button>
      </div>
      {table ? (
        <BarsTable label={label} data={data} atLeast={atLeast} gapAt={gapAt} />
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the chart takes arrow keys and Enter
        <div className="chart" role="img" aria-label={label} tabIndex={0} onKeyDown={onKey} style={{ height }}>
          <div ref={box} aria-hidden="true" />
        </div>
      )}
    </>
  );
}

/** The figures of the bars; a stretch without data is said to be that. */
export function BarsTable({
  label,
  data,
  atLeast,
  gapAt,
}: Pick<Props, 'label' | 'data' | 'atLeast'> & { gapAt: (x: number) => boolean }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <TableWrap label={label} className="chart-table">
      <table className="plain">
        <thead>
          <tr>
            <th>{t('column.time')}</th>
            {data.series.map((s) => (
              <th key={s.key} className="right">
                {s.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {(data.series[0]?.values ?? []).map(([x], i) => (
            <tr key={x}>
              <td className="num">{listed(x, lang)}</td>
              {data.series.map((s) => (
                <td key={s.key} className={gapAt(x) ? 'right' : 'num right'}>
                  {gapAt(x) ? (
                    <span className="chip chip-unk">{t('chart.gap')}</span>
                  ) : (
                    counted(s.values[i]?.[1], { capped: atLeast }, lang, t)
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}
