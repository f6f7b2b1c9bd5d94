import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { AlertDetail, AlertItem } from '../api/client';
import { DemoChip, SeveritySign } from '../design/signs';
import { Exact } from '../design/Time';
import { Evidence } from '../evidence/Evidence';
import { number } from '../format/number';
import { clock } from '../format/time';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { systemName } from '../systems/name';

export function AlertChips({ alert }: { alert: AlertItem }) {
  const { t } = useTranslation();
  return (
    <>
      <span className="chip">
        {alert.reopened && alert.state === 'new' ? t('alertState.reopened') : t(`alertState.${alert.state}`)}
      </span>
      <DemoChip demo={alert.demo} exercise={alert.exercise} />
      {alert.personal && <span className="chip">{t('alerts.personal')}</span>}
    </>
  );
}

export function AlertHead({ alert, open }: { alert: AlertItem; open?: boolean }) {
  const { t } = useTranslation();
  return (
    <div className="alert-head">
      <SeveritySign level={alert.severity} />
      <span className="num strong">{alert.score}</span>
      <AlertChips alert={alert} />
      {open ? (
        <Link className="num end" to={`/alerts/${alert.number}`} title={t('act.open')} aria-keyshortcuts="o">
          {alert.number} <kbd>O</kbd>
        </Link>
      ) : (
        <span className="num muted end">{alert.number}</span>
      )}
    </div>
  );
}

export function AlertFacts({ alert }: { alert: AlertDetail }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const systems = pageRight(me, 'systems') !== undefined;
  const lastDelivery = alert.deliveries.find((d) => d.kind === 'alert') ?? alert.deliveries[0];
  const what: [string, string | undefined][] = [
    ['host', alert.host],
    ['user', alert.user],
    ['address', alert.address],
  ];
  return (
    <dl className="facts">
      <dt>{t('field.system')}</dt>
      <dd>
        {systems && alert.system.id !== '_unassigned' ? (
          <Link to={`/systems/${alert.system.id}`}>{alert.system.name || alert.system.id}</Link>
        ) : (
          systemName(alert.system, t)
        )}
        {alert.system.level > 0 && ` · ${t('level', { n: alert.system.level })}`}
        {alert.unit && ` · ${alert.unit.name}`}
      </dd>
      {what.map(
        ([k, v]) =>
          v && (
            <FactLine key={k} label={t(`field.${k}`)}>
              <Evidence value={v} name={k !== 'address'} />
            </FactLine>
          ),
      )}
      <dt>{t('field.time')}</dt>
      <dd>
        <span className="num" title={String(alert.first)}>
          {clock(alert.first)} → {clock(alert.last)}
        </span>{' '}
        · {t('alerts.times', { count: alert.count, n: number(alert.count, lang) })} · <Exact at={alert.last} />
      </dd>
      {alert.holder && (
        <>
          <dt>{t('field.holder')}</dt>
          <dd>{alert.holder.name}</dd>
        </>
      )}
      {alert.close_reason && (
        <>
          <dt>{t('field.result')}</dt>
          <dd>
            {t(`reason.${alert.close_reason}`)}
            {alert.closed_by ? ` · ${alert.closed_by}` : ''} · <Exact at={alert.closed} short />
          </dd>
        </>
      )}
      {lastDelivery && (
        <>
          <dt>{t('field.reported')}</dt>
          <dd>
            {lastDelivery.state === 'accepted' ? (
              <>
                {t('alerts.centreHas')} <span className="num">{clock(lastDelivery.accepted)}</span>
                {lastDelivery.receipt && (
                  <>
                    {' · '}
                    {pageRight(me, 'national') !== undefined ? (
                      <Link to={`/national?sel=${encodeURIComponent(lastDelivery.id)}`}>{t('alerts.receipt')}</Link>
                    ) : (
                      t('alerts.receipt')
                    )}
                    {lastDelivery.receipt.verified
                      ? ' ✓'
                      : ` (${t(lastDelivery.receipt.kind === 'transport' ? 'national.transport' : 'national.unverified')})`}
                  </>
                )}
              </>
            ) : (
              t(`reportState.${lastDelivery.state}`)
            )}
          </dd>
        </>
      )}
      {alert.previous && (
        <>
          <dt>{t('field.previous')}</dt>
          <dd>
            <Link className="num" to={`/alerts/${alert.previous}`}>
              {alert.previous}
            </Link>
          </dd>
        </>
      )}
    </dl>
  );
}

function FactLine({ label, children }: { label: string; children: ReactNode }) {
  return (
    <>
      <dt>{label}</dt>
      <dd className="cut">{children}</dd>
    </>
  );
}
