import { useTranslation } from 'react-i18next';
import type { NationalSummary } from '../api/client';
import { PostureSign } from '../design/signs';
import { Exact } from '../design/Time';
import { number } from '../format/number';
import { useLang } from '../session/preferences';

export const signOf = (state: string) =>
  state === 'good' ? 'met' : state === 'unset' ? 'not_applicable' : state === 'bad' ? 'not_met' : 'unknown';

/** The receiving points by themselves, where there are several: each has its own state, messages and days; one is chosen for the tabs below. */
export function Destinations({
  list,
  chosen,
  choose,
}: {
  list: NationalSummary['destinations'];
  chosen: number;
  choose: (id: number) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  if (list.length < 2) return null;
  return (
    <div className="card table-wrap">
      <table className="plain" aria-label={t('national.destinations')}>
        <thead>
          <tr>
            <th>{t('national.destination')}</th>
            <th>{t('column.state')}</th>
            <th className="right">{t('national.waiting')}</th>
            <th className="right">{t('national.refused')}</th>
            <th>{t('national.lastProof')}</th>
          </tr>
        </thead>
        <tbody>
          {list.map((d) => (
            <tr key={d.id}>
              <td>
                <button
                  type="button"
                  className="link"
                  aria-pressed={d.id === chosen}
                  onClick={() => choose(d.id === chosen ? 0 : d.id)}
                >
                  <span className="num">
                    {d.id} · {new URL(d.endpoint).host}
                  </span>
                </button>
              </td>
              <td>
                <PostureSign state={signOf(d.state)} label={t(`national.state.${d.state}`)} />
              </td>
              <td className="num right">{number(d.waiting, lang)}</td>
              <td className="num right">{number(d.refused, lang)}</td>
              <td>{d.last_receipt ? <Exact at={d.last_receipt} short /> : t('overview.noReceipt')}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
