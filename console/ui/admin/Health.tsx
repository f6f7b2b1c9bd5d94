import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { client, type Part, type Status, take } from '../api/client';
import { PostureSign } from '../design/signs';
import { Failed, Loading, Unread } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Exact } from '../design/Time';
import { bytes } from '../format/number';
import { date, forecast } from '../format/time';
import { useStatus } from '../frame/Frame';
import { serverNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { useMe } from '../session/session';
import { offset } from '../sources/measured';
import { partSign, partState, reasonOf } from './part';

/** Is the box well, and what runs out first? */
export function Health() {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const status = useStatus();
  const overview = useQuery({ queryKey: ['overview'], queryFn: () => take(client.GET('/api/overview')) });
  if (overview.isPending) return <Loading what="health" />;
  if (!overview.data) return <Failed error={overview.error} what="health" retry={() => overview.refetch()} />;
  const h = overview.data.health;
  const d = h?.disk ?? status.data?.disk;
  const c = status.data?.clock;
  const parts = h?.parts ?? status.data?.parts;
  return (
    <>
      {overview.isError ? <Unread list={overview} what="health" /> : <Unread list={status} what="health" />}
      <section className="card">
        <div className="card-head">
          <h2>{t('admin.parts')}</h2>
          {h?.started && (
            <span className="muted small">
              {t('admin.since')} <Exact at={h.started} />
            </span>
          )}
          <span className="end num muted">{me.site.version}</span>
        </div>
        {!parts ? (
          <p className="chip chip-unk">{t('state.notKnown')}</p>
        ) : parts.length === 0 ? (
          <p className="muted">{t('admin.allReady')}</p>
        ) : (
          <TableWrap label={t('admin.parts')}>
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('column.state')}</th>
                  <th>{t('admin.part')}</th>
                  <th>{t('admin.reason')}</th>
                </tr>
              </thead>
              <tbody>
                {parts.map((p) => (
                  <PartRow key={p.name} part={p} status={status.data} />
                ))}
              </tbody>
            </table>
          </TableWrap>
        )}
      </section>
      <section className="card">
        <h2>{t('admin.disk')}</h2>
        {d && d.state !== 'unknown' ? (
          <>
            <p>{t('admin.diskFree', { n: bytes(d.free_bytes, lang), total: bytes(d.total_bytes, lang) })}</p>
            {d.days === undefined ? (
              <p className="chip chip-unk">{t(d.unknown === 'not_falling' ? 'admin.diskSteady' : 'admin.diskUnknown')}</p>
            ) : (
              <p>
                {t('admin.diskLong', { when: forecast(d.days, lang) })}{' '}
                {d.days < 365 && t('admin.diskDate', { date: date(serverNow() + d.days * 86_400_000, lang) })}
              </p>
            )}
          </>
        ) : (
          <p className="chip chip-unk">{t('status.diskUnknown')}</p>
        )}
        <h2>{t('admin.clock')}</h2>
        {c && c.state !== 'unknown' && c.offset_ms !== undefined ? (
          <p>
            {t('status.clock', { n: offset(c.offset_ms, lang) })} {c.server && <span className="num muted">{c.server}</span>}
          </p>
        ) : (
          <p className="chip chip-unk">{t('status.clockUnknown')}</p>
        )}
      </section>
    </>
  );
}

function PartRow({ part, status }: { part: Part; status: Status | undefined }) {
  const { t, i18n } = useTranslation();
  const state = partState(part, status);
  const why = {
    notReady: '–',
    unconfirmed: t(
      part.name === 'national_link'
        ? 'status.nationalUnknown'
        : part.name === 'evidence_compared'
          ? 'audit.compared.not_yet'
          : 'admin.unconfirmedWhy',
    ),
    unused: t('status.nationalUnset'),
    ready: '–',
  };
  return (
    <tr>
      <td>
        <PostureSign state={partSign[state]} label={t(`admin.${state}`)} />
      </td>
      <td>{t(`part.${part.name}`, part.name)}</td>
      <td>{reasonOf(part, i18n.language) ?? why[state]}</td>
    </tr>
  );
}
