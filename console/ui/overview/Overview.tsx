import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { partSign, partState, reasonOf } from '../admin/part';
import { type AlertItem, client, take } from '../api/client';
import { DemoChip, PostureSign } from '../design/signs';
import { Failed, Loading } from '../design/states';
import { number } from '../format/number';
import { minute, ms } from '../format/time';
import { useKeys } from '../keys/useKeys';
import { useNow } from '../live/clock';
import { useNotices } from '../live/stream';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { Broken } from './Broken';
import { Checklist } from './Checklist';
import { Figures } from './Figures';
import { Hours } from './Hours';
import { LedgerCard } from './LedgerCard';
import { Next } from './Next';
import { SourcesCard } from './SourcesCard';
import { Tiles } from './Tiles';

export default function Overview() {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const now = useNow();
  const data = useQuery({
    queryKey: ['overview'],
    queryFn: () => take(client.GET('/api/overview')),
    refetchInterval: 20_000,
  });
  const [dirty, setDirty] = useState(false);
  useNotices(['alert'], () => {
    if (!dirty) setDirty(true);
  });
  const o = data.data;
  const [next, setNext] = useState<{ items: AlertItem[]; at: number }>();
  if (o && (!next || (dirty === false && next.at === 0))) setNext({ items: o.next ?? [], at: data.dataUpdatedAt });
  const takeIn = () => {
    data.refetch().then((r) => {
      setNext({ items: r.data?.next ?? [], at: r.dataUpdatedAt });
      setDirty(false);
    });
  };
  useKeys([{ keys: ['.'], label: 'takeIn', act: takeIn }]);

  if (data.isPending) return <Loading what="overview" />;
  if (!o) return <Failed error={data.error} what="overview" retry={() => data.refetch()} />;
  const has = (c: string) => o.cards.includes(c);
  const broken = new Map((o.broken ?? []).map((b) => [b.card, b]));
  const stale = (ms(o.stale_after) ?? Number.POSITIVE_INFINITY) < now || data.isError;
  const moved = next && o.next && o.next.map((a) => a.id).join() !== next.items.map((a) => a.id).join();
  const demo = (o.systems?.placements ?? []).flatMap((p) => p.tiles).filter((s) => s.demo).length;
  const s = o.shift;
  return (
    <div className="page">
      <div className="page-head">
        <h1>{t('overview.title')}</h1>
        <span className="muted small">
          {t(`shift.${s.kind}`)} {minute(s.from)}–{minute(s.to)}
        </span>
        {demo > 0 && <DemoChip demo label={t('overview.demo', { count: demo })} />}
        {stale && (
          <span className="chip chip-unk">
            {t('state.staleLine', { time: minute(o.as_of), n: Math.max(1, Math.floor((now - (ms(o.as_of) ?? now)) / 60_000)) })}
          </span>
        )}
      </div>
      <div className="page-body overview">
        {me.checklist.length > 0 && <Checklist items={me.checklist} />}
        <Figures o={o} />
        <div className="ov-grid">
          {has('hours') && (
            <section className="card ov-hours" aria-labelledby="ov-hours">
              {broken.get('hours') || !o.hours ? (
                <Broken id="ov-hours" name={t('overview.hours')} text={broken.get('hours')?.text} />
              ) : (
                <Hours hours={o.hours} />
              )}
            </section>
          )}
          {has('next') && (
            <section className="card ov-next" aria-labelledby="ov-next">
              <div className="card-head">
                <h2 id="ov-next">{t('overview.next')}</h2>
                <span className="end small">
                  {moved ? (
                    <button type="button" className="link" onClick={takeIn}>
                      {t('overview.nextMoved')} <kbd>.</kbd>
                    </button>
                  ) : (
                    <Link to="/alerts">
                      {t('overview.all')} {o.alerts ? number(o.alerts.open, lang) : ''}
                    </Link>
                  )}
                </span>
              </div>
              {broken.get('next') ? (
                <p className="chip chip-unk">{broken.get('next')?.text}</p>
              ) : (
                <Next items={next?.items ?? []} o={o} />
              )}
            </section>
          )}
          {has('systems') && (
            <section className="card ov-systems" aria-labelledby="ov-systems">
              {o.systems ? (
                <Tiles systems={o.systems} />
              ) : (
                <Broken id="ov-systems" name={t('overview.systems0')} text={broken.get('systems')?.text} />
              )}
            </section>
          )}
          {has('sources') && (
            <section className="card ov-sources" aria-labelledby="ov-sources">
              <SourcesCard o={o} broken={broken.get('sources')?.text} />
            </section>
          )}
          {has('health') && o.health && (
            <section className="card ov-health" aria-labelledby="ov-health">
              <div className="card-head">
                <h2 id="ov-health">{t('overview.health')}</h2>
                {pageRight(me, 'admin') !== undefined && (
                  <Link className="end small" to="/admin">
                    {t('page.admin')}
                  </Link>
                )}
              </div>
              <ul className="health">
                {o.health.parts.map((p) => (
                  <li key={p.name}>
                    <PostureSign state={partSign[partState(p, o)]} label={t(`part.${p.name}`, p.name)} />
                    {p.reason && <span className="small muted"> {reasonOf(p, lang)}</span>}
                  </li>
                ))}
              </ul>
            </section>
          )}
          {has('ledger') && (
            <section className="card ov-ledger" aria-labelledby="ov-ledger">
              <LedgerCard o={o} broken={broken.get('ledger')?.text} />
            </section>
          )}
        </div>
      </div>
    </div>
  );
}
