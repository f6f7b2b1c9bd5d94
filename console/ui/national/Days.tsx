import { useTranslation } from 'react-i18next';
import type { NationalSummary } from '../api/client';
import { PostureSign } from '../design/signs';
import { Empty } from '../design/states';
import { Exact } from '../design/Time';
import { number } from '../format/number';
import { useLang } from '../session/preferences';

export function DayState({ state, why }: { state: string; why?: string | undefined }) {
  const { t } = useTranslation();
  return (
    <PostureSign
      state={state === 'balanced' ? 'met' : state === 'off' ? 'not_met' : state === 'open' ? 'not_applicable' : 'unknown'}
      label={t(`national.day.${why ?? state}`)}
    />
  );
}

export function Days({ days }: { days: NationalSummary['days'] }) {
  const { t } = useTranslation();
  const lang = useLang();
  const day = (d: string) => (lang === 'vi' ? d.split('-').reverse().join('/') : d);
  return (
    <div className="page-body scroll">
      {days.length === 0 ? (
        <Empty>{t('national.noDays')}</Empty>
      ) : (
        <div className="card table-wrap">
          <table className="plain">
            <thead>
              <tr>
                <th>{t('column.state')}</th>
                <th>{t('national.dayName')}</th>
                {(['made', 'accepted', 'refused', 'waiting'] as const).map((k) => (
                  <th key={k} className="right">
                    {t(`national.${k}`)}
                  </th>
                ))}
                <th>{t('national.differ')}</th>
                <th>{t('national.reconciledAt')}</th>
              </tr>
            </thead>
            <tbody>
              {days.map((d) => (
                <tr key={d.day}>
                  <td>
                    <DayState state={d.state} why={d.why} />
                  </td>
                  <td className="num">{day(d.day)}</td>
                  {(['made', 'accepted', 'refused', 'waiting'] as const).map((k) => (
                    <td key={k} className="num right">
                      {number(d[k], lang)}
                    </td>
                  ))}
                  <td className="num">{(d.differ ?? []).join(', ') || '–'}</td>
                  <td>{d.reconciled ? <Exact at={d.reconciled} short /> : '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}
