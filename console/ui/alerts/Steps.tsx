import { Checkbox } from 'antd';
import { useTranslation } from 'react-i18next';
import type { AlertDetail, HistoryLine } from '../api/client';
import { Words } from '../evidence/Said';
import type { Lang } from '../format/lang';
import { minute, ms } from '../format/time';
import { useLang } from '../session/preferences';

export function runbookOf(runbook: Runbook | undefined, lang: Lang): string[] {
  return runbook?.[lang] ?? runbook?.vi ?? runbook?.en ?? [];
}

type Runbook = Record<string, string[]>;

/** Ticks are notes in the history, so that everyone sees who did what; the last note of a step counts. */
export function ticks(history: HistoryLine[]): Map<number, HistoryLine | null> {
  const out = new Map<number, HistoryLine | null>();
  for (const h of [...history].sort((a, b) => (ms(a.time) ?? 0) - (ms(b.time) ?? 0))) {
    const m = h.action === 'note' ? /^([✓○]) (\d)\. /.exec(h.text ?? '') : null;
    if (m) out.set(Number(m[2]), m[1] === '✓' ? h : null);
  }
  return out;
}

export function Steps({ alert, onTick }: { alert: AlertDetail; onTick?: ((text: string) => void) | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const steps = runbookOf(alert.runbook, lang);
  const done = ticks(alert.history);
  if (steps.length === 0) return <p className="muted small">{t('alerts.noSteps')}</p>;
  return (
    <ol className="steps">
      {steps.map((s, i) => {
        const by = done.get(i + 1);
        return (
          <li key={s}>
            <Checkbox
              checked={Boolean(by)}
              disabled={!onTick}
              onChange={(e) => onTick?.(`${e.target.checked ? '✓' : '○'} ${i + 1}. ${s}`)}
            >
              <Words text={s} />
              {by && (
                <span className="muted small">
                  {' '}
                  {by.actor.name} {minute(by.time)}
                </span>
              )}
            </Checkbox>
          </li>
        );
      })}
    </ol>
  );
}
