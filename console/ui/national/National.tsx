import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { client, take } from '../api/client';
import { Icon } from '../design/icons';
import { PostureSign } from '../design/signs';
import { Failed, Loading, problemText } from '../design/states';
import { toast } from '../design/toast';
import { number } from '../format/number';
import { age, forecast, listed, ms, span } from '../format/time';
import { useView } from '../frame/url';
import { useNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { useMay } from '../session/session';
import { DayState, Days } from './Days';
import { Destinations, signOf } from './Destinations';
import { Endpoint } from './Endpoint';
import { Outbox } from './Outbox';
import { FarSide, plainTrouble } from './trouble';

const tabs = ['outbox', 'days', 'endpoint'] as const;

export default function National() {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const queries = useQueryClient();
  const [params, change] = useView();
  const tab = tabs.find((x) => x === params.get('tab')) ?? 'outbox';
  const chosen = Number(params.get('dest')) || 0; // of several receiving points; 0: all, and the first for deeds
  const mayTest = useMay('national.test');
  const mayAct = useMay('national.act');
  const [busy, setBusy] = useState('');
  const summary = useQuery({ queryKey: ['national'], queryFn: () => take(client.GET('/api/national')), refetchInterval: 15_000 });
  const n = summary.data;
  const test = async () => {
    setBusy('test');
    try {
      const r = await take(client.POST('/api/national/test', { params: { query: { destination: chosen } } }));
      toast({
        kind: r.ok ? 'info' : 'error',
        text: r.ok ? t('national.testOk', { id: r.report }) : t('national.testBad', { text: plainTrouble(r.text ?? '', t) }),
      });
      queries.invalidateQueries({ queryKey: ['national'] });
    } catch (e) {
      toast({ kind: 'error', text: problemText(e, t('national.testFailed')) });
    } finally {
      setBusy('');
    }
  };
  const reconcile = async () => {
    setBusy('reconcile');
    try {
      await take(client.POST('/api/national/reconcile', { body: { destination: chosen } }));
      toast({ text: t('national.reconciled') });
      queries.invalidateQueries({ queryKey: ['national'] });
    } catch (e) {
      toast({ kind: 'error', text: problemText(e, t('national.notReconciled')) });
    } finally {
      setBusy('');
    }
  };
  if (summary.isPending) return <Loading what="national" />;
  if (!n) return <Failed error={summary.error} what="national" retry={() => summary.refetch()} />;
  const receipt = ms(n.last_receipt);
  const sign = signOf(n.state);
  const one = n.destinations.find((d) => d.id === chosen);
  return (
    <div className="page page-fixed">
      <div className="page-head">
        <h1>{t('page.national')}</h1>
        <PostureSign
          state={sign}
          label={
            n.state === 'unset'
              ? t('national.unset')
              : receipt
                ? t('national.last', { age: age(receipt, now, lang) })
                : t('overview.noReceipt')
          }
        />
        {n.heartbeat_seconds > 0 && n.state !== 'unset' && (
          <span className="muted small">{t('national.heartbeat', { span: span(n.heartbeat_seconds * 1000, lang) })}</span>
        )}
        <div className="end">
          {mayTest && n.endpoint && (
            <Button onClick={test} loading={busy === 'test'}>
              {t('national.test')}
            </Button>
          )}
          {mayAct && n.endpoint && (one ?? n).reconciles && (
            <Button onClick={reconcile} loading={busy === 'reconcile'}>
              {t('national.reconcile')}
            </Button>
          )}
        </div>
      </div>
      {(n.state === 'late' || n.state === 'bad') && (
        <div className={`banner ${n.state === 'bad' ? 'banner-danger' : 'banner-warn'}`}>
          <Icon name="warn" />
          <span>
            {t('national.away', {
              time: receipt ? listed(receipt, lang) : '–',
              n: number(n.waiting, lang),
              room:
                n.room_days === undefined ? t('national.roomUnknown') : t('national.room', { d: forecast(n.room_days, lang) }),
            })}{' '}
            {n.last_error && <FarSide text={n.last_error} />}
          </span>
        </div>
      )}
      <div className="national-line">
        {(['made', 'accepted', 'refused', 'waiting'] as const).map((k) => (
          <Link key={k} to={k === 'made' ? '/national' : `/national?state=${k}`}>
            <span className="muted">{t(`national.${k}`)}</span> <b className="num">{number(n.today[k], lang)}</b>
            {k === 'waiting' && n.oldest_waiting && n.waiting > 0 && (
              <span className="muted small">
                {' '}
                ({t('overview.oldest', { span: span(now - (ms(n.oldest_waiting) ?? now), lang) })})
              </span>
            )}
          </Link>
        ))}
        <DayState state={n.today.state} why={n.today.why} />
      </div>
      <Destinations list={n.destinations} chosen={chosen} choose={(id) => change({ dest: id ? String(id) : undefined }, true)} />
      <div className="tabs" role="tablist" aria-label={t('page.national')}>
        {tabs.map((x) => (
          <button
            key={x}
            type="button"
            role="tab"
            aria-selected={x === tab}
            onClick={() => change({ tab: x === 'outbox' ? undefined : x }, true)}
          >
            {t(`national.tab.${x}`)}
          </button>
        ))}
      </div>
      {tab === 'outbox' && <Outbox unset={n.state === 'unset'} />}
      {tab === 'days' && <Days days={(one ?? n).days} />}
      {tab === 'endpoint' && <Endpoint key={chosen} destination={chosen} />}
    </div>
  );
}
