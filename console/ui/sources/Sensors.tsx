import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { Measured } from '../design/Measured';
import { PostureSign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { Pre, TableWrap } from '../design/TableWrap';
import { Age } from '../design/Time';
import { Evidence } from '../evidence/Evidence';
import { Said } from '../evidence/Said';
import { number } from '../format/number';
import { useLang } from '../session/preferences';
import { Ends } from './SourceView';

export function Sensors() {
  const { t } = useTranslation();
  const lang = useLang();
  const sensors = useQuery({ queryKey: ['sensors'], queryFn: () => take(client.GET('/api/sensors')), retry: false });
  if (sensors.isPending) return <Loading what="sensors" />;
  if (sensors.isError) return <Failed error={sensors.error} what="sensors" retry={() => sensors.refetch()} />;
  if (sensors.data.items.length === 0) return <Empty>{t('sources.noSensors')}</Empty>;
  const sign = (s: string) =>
    s === 'running' ? 'met' : s === 'refused' ? 'not_met' : s === 'off' || s === 'withdrawn' ? 'not_applicable' : 'unknown';
  return (
    <div className="page-body scroll">
      {sensors.data.items.map((s) => (
        <section key={s.id} className="card">
          <div className="card-head">
            <PostureSign state={sign(s.state)} label={t(`sensorState.${s.state}`)} />
            <h2>
              <Evidence value={s.name} name />
            </h2>
            {s.id === 'this-host' ? (
              <span className="muted">{t('sources.thisHost')}</span>
            ) : (
              <span className="num muted">{s.id}</span>
            )}
            {s.system && <span className="small muted">{s.system.name}</span>}
            <span className="end small muted">
              {t('sources.sensorSeen')} <Age at={s.seen} />
              {s.version && (
                <>
                  {' · '}
                  {t('sources.sensorVersion')} <span className="num">{s.version}</span>
                </>
              )}
            </span>
          </div>
          <TableWrap label={t('sources.tab.sensors')}>
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('column.state')}</th>
                  <th>{t('sources.probe')}</th>
                  <th>{t('sources.probeReason')}</th>
                </tr>
              </thead>
              <tbody>
                {s.probes.map((p) => (
                  <tr key={p.name}>
                    <td>
                      <PostureSign state={sign(p.state)} label={t(`sensorState.${p.state}`)} />
                    </td>
                    <td>
                      {t(`probe.${p.name}`, { defaultValue: p.name })} <span className="num muted">{p.name}</span>
                    </td>
                    <td>
                      {p.reason ? (
                        <Said text={p.reason} />
                      ) : p.state === 'unknown' ? (
                        <Measured known={false} why={t('sources.probeUnknown')}>
                          {null}
                        </Measured>
                      ) : (
                        '–'
                      )}
                      {p.allow && (
                        <Pre label={t('sources.allow')}>
                          <Said text={p.allow} />
                        </Pre>
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableWrap>
          {s.shed && Object.values(s.shed).some((n) => n > 0) && (
            <p className="small warn-text">
              {t('sources.shed')}{' '}
              {Object.entries(s.shed)
                .filter(([, n]) => n > 0)
                .map(([k, n]) => `${number(n, lang)} ${t(`sensorLoss.${k}`, { defaultValue: k })}`)
                .join('; ')}
            </p>
          )}
          {(s.filtered?.own_traffic ?? 0) > 0 && (
            <p className="small muted">{t('sources.ownTraffic', { n: number(s.filtered?.own_traffic ?? 0, lang) })}</p>
          )}
          <Ends at={s.certificate_ends} />
        </section>
      ))}
    </div>
  );
}
