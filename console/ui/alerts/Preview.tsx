import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { AlertItem } from '../api/client';
import { Failed, Loading } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Evidence } from '../evidence/Evidence';
import { Said, Words } from '../evidence/Said';
import { minute } from '../format/time';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { AlertFacts, AlertHead } from './AlertFacts';
import { Around } from './Around';
import type { useActions } from './actions';
import { can, useAlert } from './data';
import { Steps } from './Steps';
import { Trace } from './Trace';

type Actions = ReturnType<typeof useActions>;

/** What happened, why, and what to do, beside the queue. */
export function Preview({ row, actions }: { row: AlertItem; actions: Actions }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const detail = useAlert(row.id);
  const a = detail.data;
  const head = a ?? row;
  return (
    <aside className="preview" aria-label={t('alerts.preview')} id="preview">
      {head.state === 'closed' && head.closed_by && head.closed_by !== me.name && (
        <div className="banner banner-info" role="status">
          {t('alerts.closedBy', {
            who: head.closed_by,
            time: minute(head.closed),
            reason: t(`reason.${head.close_reason || 'duplicate'}`).toLowerCase(),
          })}
        </div>
      )}
      <TableWrap label={t('alerts.preview')} className="preview-in">
        <AlertHead alert={head} open />
        <h2 className="preview-title">
          <Said text={head.title} fallback={head.rule} />
        </h2>
        {detail.isPending && <Loading what="alert" rows={6} />}
        {detail.isError && <Failed error={detail.error} what="alert" id={row.number} retry={() => detail.refetch()} />}
        {a && (
          <>
            <section>
              <div className="card-head">
                <h3>{t('alerts.why')}</h3>
                <span className="end small">
                  {pageRight(me, 'rules') !== undefined ? (
                    <Link to={`/rules/${encodeURIComponent(a.rule)}`}>{t('alerts.rule')}</Link>
                  ) : (
                    t('alerts.rule')
                  )}
                  {a.attack.length > 0 && <span> · {a.attack.slice(0, 2).join(', ')}</span>}
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
              {a.trace.length > 0 ? <Trace trace={a.trace} /> : <Evidence value={a.evidence} mode="detail" />}
            </section>
            <section>
              <h3>{t('alerts.steps')}</h3>
              <Steps alert={a} onTick={can(a.deeds, 'note') ? (text) => actions.note([a], text) : undefined} />
            </section>
            <AlertFacts alert={a} />
            <Around alert={a} />
          </>
        )}
      </TableWrap>
      <ActionBar alert={head} deeds={a?.deeds} actions={actions} />
    </aside>
  );
}

export function ActionBar({
  alert,
  deeds,
  actions,
}: {
  alert: AlertItem;
  deeds: readonly string[] | undefined;
  actions: Actions;
}) {
  const { t } = useTranslation();
  const open = alert.state !== 'closed';
  // who only reads has no bar: it would cover what there is to read
  if (!can(deeds, open ? 'acknowledge' : 'reopen') && !can(deeds, 'close') && !can(deeds, 'assign') && !can(deeds, 'note'))
    return null;
  return (
    <div className="actions-bar">
      {open && can(deeds, 'acknowledge') && (
        <Button
          type="primary"
          disabled={alert.state === 'acknowledged' || actions.busy}
          onClick={() => actions.acknowledge([alert])}
          aria-keyshortcuts="a"
        >
          {t('act.acknowledge')} <kbd>A</kbd>
        </Button>
      )}
      {open && can(deeds, 'close') && (
        <Button onClick={() => actions.openClose([alert])} aria-keyshortcuts="c">
          {t('act.close')} <kbd>C</kbd>
        </Button>
      )}
      {!open && can(deeds, 'reopen') && <Button onClick={() => actions.reopen([alert])}>{t('act.reopen')}</Button>}
      {open && can(deeds, 'assign') && (
        <Button onClick={() => actions.openAssign([alert])} aria-keyshortcuts="Shift+A">
          {t('act.assign')} <kbd>⇧A</kbd>
        </Button>
      )}
      {can(deeds, 'note') && (
        <Button onClick={() => actions.openNote([alert])} aria-keyshortcuts="m">
          {t('act.note')} <kbd>M</kbd>
        </Button>
      )}
    </div>
  );
}
