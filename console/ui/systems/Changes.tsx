import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { DayField } from '../design/DayField';
import { PostureSign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Exact } from '../design/Time';
import { fromDay, toDay } from '../format/time';
import { useView } from '../frame/url';
import { serverNow } from '../live/clock';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';

/** What differs between two days, or every change on the way. */
export function Changes({ id }: { id: string }) {
  const { t } = useTranslation();
  const lang = useLang();
  const [params, change] = useView();
  const to = params.get('b') ?? toDay(serverNow());
  const from = params.get('a') ?? toDay(serverNow() - 30 * 86_400_000);
  const every = params.get('how') === 'every';
  const changes = useQuery({
    queryKey: ['posture', id, every ? 'changes' : 'compare', from, to],
    queryFn: () => {
      const path = { id };
      if (!every) return take(client.GET('/api/systems/{id}/posture/compare', { params: { path, query: { from, to } } }));
      const query = {
        from: new Date(fromDay(from) ?? 0).toISOString(),
        to: new Date((fromDay(to) ?? 0) + 86_399_999).toISOString(),
      };
      return take(client.GET('/api/systems/{id}/posture/changes', { params: { path, query } }));
    },
    enabled: every || from !== to,
    retry: false,
  });
  return (
    <div className="page-body scroll">
      <div className="row">
        <div className="switch" role="group" aria-label={t('systems.historyAs')}>
          {(['compare', 'every'] as const).map((k) => (
            <button
              key={k}
              type="button"
              aria-pressed={(k === 'every') === every}
              onClick={() => change({ how: k === 'every' ? k : undefined })}
            >
              {t(`systems.history.${k}`)}
            </button>
          ))}
        </div>
        <span className="small">
          {t('range.from')} <DayField label={t('range.from')} value={from} max={to} onChange={(d) => change({ a: d })} />
        </span>
        <span className="small">
          {t('range.to')} <DayField label={t('range.to')} value={to} min={from} onChange={(d) => change({ b: d })} />
        </span>
        {changes.data && (
          <span className="muted small">
            {t(every ? 'systems.changedTimes' : 'systems.changed', { count: changes.data.total })}
          </span>
        )}
      </div>
      <p className="small muted">{t(every ? 'systems.everyNote' : 'systems.compareNote')}</p>
      {!every && from === to ? (
        <Empty>{t('systems.twoDays')}</Empty>
      ) : changes.isPending ? (
        <Loading what="posture" />
      ) : changes.isError ? (
        <Failed error={changes.error} what="posture" retry={() => changes.refetch()} />
      ) : changes.data.items.length === 0 ? (
        <Empty>{t('systems.noChanges')}</Empty>
      ) : (
        <TableWrap label={t('systems.change')} className="card table-wrap">
          <table className="plain">
            <thead>
              <tr>
                <th>{t('column.time')}</th>
                <th>{t('systems.requirement')}</th>
                <th>{t('systems.change')}</th>
                <th>{t('systems.why')}</th>
              </tr>
            </thead>
            <tbody>
              {changes.data.items.map((c) => (
                <tr key={`${c.control}${c.at}`}>
                  <td>{c.at ? <Exact at={c.at} short /> : '–'}</td>
                  <td>
                    {say(c.title, lang, t)} <span className="num muted">{c.control}</span>
                  </td>
                  <td>
                    <span className="row">
                      {c.from && <PostureSign state={c.from} />} → <PostureSign state={c.to} />
                    </span>
                  </td>
                  <td className="small">{c.because.map((b) => say(b.text, lang, t)).join(' ')}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      )}
    </div>
  );
}
