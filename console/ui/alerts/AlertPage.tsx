import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { Icon } from '../design/icons';
import { PostureSign } from '../design/signs';
import { Failed, Loading } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Age, Exact } from '../design/Time';
import { toast } from '../design/toast';
import { Evidence } from '../evidence/Evidence';
import { Said, Words } from '../evidence/Said';
import { number } from '../format/number';
import { minute } from '../format/time';
import { useKeys } from '../keys/useKeys';
import { useNotices } from '../live/stream';
import { say } from '../locales/say';
import { EventFields, summaryOf } from '../search/EventFields';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { AlertFacts, AlertHead } from './AlertFacts';
import { Around, aroundLink } from './Around';
import { useActions } from './actions';
import { can, useAlert } from './data';
import { History } from './History';
import { ActionBar } from './Preview';
import { Steps } from './Steps';
import { Trace } from './Trace';

export default function AlertPage() {
  const { id } = useParams();
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const navigate = useNavigate();
  const detail = useAlert(id);
  const actions = useActions();
  const a = detail.data;
  const [opened, setOpened] = useState<string>();

  useNotices(['alert'], (n) => {
    if (a && (n.id === a.id || n.id === a.number)) detail.refetch();
  });
  const may = (d: string) => can(a?.deeds, d);
  const copy = () => {
    if (!a) return;
    navigator.clipboard.writeText(`${location.origin}/alerts/${a.number}`).then(
      () => toast({ text: t('alerts.copied', { number: a.number }) }),
      () => toast({ kind: 'error', text: t('state.noClipboard') }),
    );
  };
  useKeys([
    { keys: ['a'], label: 'acknowledge', act: () => a && may('acknowledge') && a.state !== 'closed' && actions.acknowledge([a]) },
    { keys: ['c'], label: 'closeAlert', act: () => a && may('close') && a.state !== 'closed' && actions.openClose([a]) },
    { keys: ['A'], label: 'assign', act: () => a && may('assign') && actions.openAssign([a]) },
    { keys: ['m'], label: 'note', act: () => a && may('note') && actions.openNote([a]) },
    { keys: ['p'], label: 'around', act: () => a && navigate(aroundLink(a)) },
    { keys: ['y'], label: 'copyLink', act: copy },
    {
      keys: ['1', '2', '3'],
      label: 'tick',
      act: (k) => document.querySelectorAll<HTMLInputElement>('.steps input')[Number(k) - 1]?.click(),
    },
    { keys: ['Escape'], label: 'back', act: () => navigate(`/alerts?sel=${a?.number ?? ''}`) },
  ]);

  if (detail.isPending) return <Loading what="alert" />;
  if (!a) return <Failed title={t('page.alerts')} error={detail.error} what="alert" id={id} retry={() => detail.refetch()} />;
  const closedAs = Object.entries(a.seen.closed_as);
  return (
    <div className="page alert-page">
      <div className="page-head">
        <Link to={`/alerts?sel=${a.number}`} className="small">
          ← {t('page.alerts')} <kbd>Esc</kbd>
        </Link>
        <AlertHead alert={a} />
        <button type="button" className="top-button" onClick={copy} aria-keyshortcuts="y">
          <Icon name="copy" size={14} /> {t('act.copyLink')} <kbd>Y</kbd>
        </button>
      </div>
      <div className="page-head">
        <h1>
          <Said text={a.title} fallback={a.rule} />
        </h1>
      </div>
      <div className="alert-bar">
        <ActionBar alert={a} deeds={a.deeds} actions={actions} />
      </div>
      {a.state === 'closed' && a.closed_by && a.closed_by !== me.name && (
        <div className="banner banner-info">
          {t('alerts.closedBy', {
            who: a.closed_by,
            time: minute(a.closed),
            reason: t(`reason.${a.close_reason || 'duplicate'}`).toLowerCase(),
          })}
        </div>
      )}
      <div className="page-body">
        <div className="detail-grid">
          <div>
            <section className="card">
              <AlertFacts alert={a} />
            </section>
            <section className="card">
              <div className="card-head">
                <h2>{t('alerts.why')}</h2>
                <span className="end small">
                  {pageRight(me, 'rules') !== undefined && (
                    <Link to={`/rules/${encodeURIComponent(a.rule)}`}>{t('alerts.ruleText')}</Link>
                  )}{' '}
                  {a.rule_info?.version && <span className="num muted">{a.rule_info.version}</span>}
                  {a.attack.length > 0 && ` · ${a.attack.join(', ')}`}
                </span>
              </div>
              {say(a.why, lang, t) && (
                <p className="why">
                  <Said text={a.why} />
                </p>
              )}
              {a.evidence_text && (
                <p className="why">
                  <Words text={say(a.evidence_text, lang, t)} />
                </p>
              )}
              {a.trace.length > 0 ? <Trace trace={a.trace} copy /> : <Evidence value={a.evidence} mode="detail" />}
              {a.group.length > 0 && (
                <p className="small muted">
                  {t('alerts.grouped')}{' '}
                  {a.group.map((g) => (
                    <span key={g.field}>
                      <Evidence value={`${g.field} = ${g.value}`} />{' '}
                    </span>
                  ))}
                </p>
              )}
            </section>
            <section className="card">
              <Around alert={a} />
            </section>
            <section className="card">
              <div className="card-head">
                <h2>{t('alerts.events')}</h2>
                <span className="num muted">
                  {number(a.events.length, lang)}/{number(a.count, lang)}
                </span>
              </div>
              {a.events_error && <p className="chip chip-unk">{a.events_error}</p>}
              {a.events.length === 0 && !a.events_error && <p className="muted small">{t('alerts.noEvents')}</p>}
              {a.events.length > 0 && (
                <TableWrap label={t('alerts.events')}>
                  <table className="plain event-table">
                    <tbody>
                      {a.events.map((e) => {
                        const key = String(e['event.id']);
                        return (
                          <tr key={key}>
                            <td>
                              <Exact at={e['@timestamp']} short />
                            </td>
                            <td>
                              <button
                                type="button"
                                className="link event-open"
                                onClick={() => setOpened(opened === key ? undefined : key)}
                                aria-expanded={opened === key}
                              >
                                <Evidence value={summaryOf(e)} />
                              </button>
                              {opened === key && <EventFields event={e} />}
                            </td>
                          </tr>
                        );
                      })}
                    </tbody>
                  </table>
                </TableWrap>
              )}
            </section>
          </div>
          <div>
            <section className="card">
              <h2>{t('alerts.steps')}</h2>
              <Steps alert={a} onTick={may('note') ? (text) => actions.note([a], text) : undefined} />
            </section>
            <section className="card">
              <h2>{t('alerts.seen')}</h2>
              {a.seen.times > 0 ? (
                <p>
                  {t('alerts.seenTimes', { count: a.seen.times })}
                  {closedAs.length > 0 && `: ${closedAs.map(([r, n]) => `${t(`reason.${r}`).toLowerCase()} ${n}`).join(', ')}`}
                </p>
              ) : (
                <p className="muted">{t('alerts.seenNever')}</p>
              )}
              {Object.keys(a.score_parts).length > 0 && (
                <>
                  <h3>{t('alerts.score', { n: a.score })}</h3>
                  <dl className="facts">
                    {Object.entries(a.score_parts).map(([k, v]) => (
                      <ScorePart key={k} name={t(`scorePart.${k}`, k)} value={v} />
                    ))}
                  </dl>
                </>
              )}
            </section>
            <section className="card">
              <h2>{t('alerts.deliveries')}</h2>
              {a.deliveries.length === 0 && <p className="muted">{t('alerts.noDeliveries')}</p>}
              <ul className="history">
                {a.deliveries.map((d) => (
                  <li key={d.id}>
                    <PostureSign
                      state={
                        d.state === 'accepted'
                          ? d.receipt?.verified
                            ? 'met'
                            : 'unknown'
                          : d.state === 'refused'
                            ? 'not_met'
                            : 'not_applicable'
                      }
                      label={t(`reportState.${d.state}`)}
                    />{' '}
                    <span className="num">{d.channel}</span> <Age at={d.accepted ?? d.created} />
                    {d.last_error && (
                      <>
                        {' · '}
                        <Evidence value={d.last_error} />
                      </>
                    )}
                  </li>
                ))}
              </ul>
            </section>
            <section className="card">
              <h2>{t('alerts.history')}</h2>
              <History lines={a.history} />
            </section>
          </div>
        </div>
      </div>
      {actions.node}
    </div>
  );
}

function ScorePart({ name, value }: { name: string; value: number }) {
  return (
    <>
      <dt>{name}</dt>
      <dd className="num">{value > 0 ? `+${value}` : value}</dd>
    </>
  );
}
