import type { TFunction } from 'i18next';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { AlertGroup } from '../api/client';
import type { Column } from '../design/Grid';
import { Icon } from '../design/icons';
import { DemoChip, SeveritySign } from '../design/signs';
import { AgeCell } from '../design/Time';
import { Evidence } from '../evidence/Evidence';
import { Said, Words } from '../evidence/Said';
import { number } from '../format/number';
import { useMedia } from '../frame/useMedia';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { systemName } from '../systems/name';

import type { Row } from './rows';

/** The columns of the queue; marked rows carry their mark. */
export function useColumns(marked: ReadonlySet<string>, phone: boolean): Column<Row>[] {
  const { t } = useTranslation();
  const lang = useLang();
  // at a desk the sign keeps its word; where the title would be cut for it, the word is for screen readers
  const roomy = useMedia('(min-width: 1600px)');
  return useMemo<Column<Row>[]>(
    () =>
      (
        [
          {
            key: 'severity',
            head: t('column.severity'),
            width: roomy ? '112px' : phone ? '22px' : '44px',
            sort: 'severity',
            cell: (r) =>
              r.kind === 'group' ? (
                <span className="row-sign">
                  <Icon name={r.open ? 'down' : 'right'} size={12} />
                  <SeveritySign level={r.g.severity} word={roomy ? 'shown' : 'hidden'} />
                </span>
              ) : (
                <span className="row-sign">
                  {marked.has(r.a.number) && <Icon name="check" size={14} />}
                  <SeveritySign level={r.a.severity} word={roomy ? 'shown' : 'hidden'} size={roomy ? 14 : 16} />
                </span>
              ),
          },
          {
            key: 'score',
            head: t('column.score'),
            width: '38px',
            right: true,
            sort: 'score',
            cell: (r) => <span className="num score">{r.kind === 'alert' ? r.a.score : r.g.score}</span>,
          },
          {
            key: 'title',
            head: t('column.alert'),
            width: 'minmax(0,1fr)',
            cell: (r) =>
              r.kind === 'group' ? (
                <span className="cell2">
                  <span className="cut strong">
                    {Object.keys(r.g.title ?? {}).length > 0 ? <Said text={r.g.title} /> : <Evidence value={r.g.label} />}
                  </span>
                  <span className="sub cut">
                    <GroupChips g={r.g} />
                  </span>
                </span>
              ) : (
                <span className="cell2">
                  <span className="cut title">
                    <Said text={r.a.title} fallback={r.a.rule} />
                  </span>
                  <span className="sub cut">
                    {r.a.state !== 'new' && (
                      <span className="who">
                        {t(`alertState.${r.a.state}`)}
                        {r.a.state === 'closed' && r.a.close_reason ? `: ${t(`reason.${r.a.close_reason}`).toLowerCase()}` : ''}
                        {r.a.state === 'acknowledged' && r.a.holder
                          ? ` · ${r.a.holder.name}`
                          : r.a.state === 'closed' && r.a.closed_by
                            ? ` · ${r.a.closed_by}`
                            : ''}{' '}
                        ·{' '}
                      </span>
                    )}
                    <DemoChip demo={r.a.demo} exercise={r.a.exercise} />
                    {r.a.evidence_text ? <Words text={say(r.a.evidence_text, lang, t)} /> : <Evidence value={r.a.evidence} />}
                  </span>
                </span>
              ),
          },
          {
            key: 'system',
            head: t('column.system'),
            width: roomy ? 'minmax(0,220px)' : '124px',
            cell: (r) =>
              r.kind === 'alert' && (
                <span className="clamp small" title={`${systemName(r.a.system, t)} · ${levelOf(r.a.system.level, t)}`}>
                  {systemName(r.a.system, t)} <span className="muted whole">· {levelOf(r.a.system.level, t)}</span>
                </span>
              ),
          },
          {
            key: 'count',
            head: t('column.times'),
            width: '52px',
            right: true,
            sort: 'count',
            cell: (r) => <span className="num">{number(r.kind === 'alert' ? r.a.count : r.g.count, lang)}</span>,
          },
          {
            key: 'last',
            head: t('column.last'),
            width: '72px',
            sort: 'last',
            cell: (r) => <AgeCell at={r.kind === 'alert' ? r.a.last : r.g.last} />,
          },
        ] satisfies Column<Row>[]
      ).filter((c) => !phone || ['severity', 'title', 'last'].includes(c.key)),
    [t, lang, marked, roomy, phone],
  );
}

const levelOf = (level: number, t: TFunction) => (level > 0 ? t('levelShort', { n: level }) : t('systems.noLevel'));

/** Says of a group that its alerts, or how many of them, are samples or of an exercise. */
function GroupChips({ g }: { g: AlertGroup }) {
  const { t } = useTranslation();
  const lang = useLang();
  const chip = (kind: 'demo' | 'exercise', n: number | undefined) =>
    n ? (
      <span className="chip chip-demo">
        {t(`chip.${kind}`)}
        {n < g.count && ` ${number(n, lang)}/${number(g.count, lang)}`}
      </span>
    ) : null;
  return (
    <>
      {chip('demo', g.demo)} {chip('exercise', g.exercise)}
    </>
  );
}
