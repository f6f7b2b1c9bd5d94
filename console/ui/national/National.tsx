import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { client, type EndpointItem, type NationalSummary, type PageReportItem, type ReportItem, take } from '../api/client';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { Icon } from '../design/icons';
import { DemoChip, PostureSign } from '../design/signs';
import { Empty, Failed, Loading, problemText } from '../design/states';
import { Pre } from '../design/TableWrap';
import { TakeIn } from '../design/TakeIn';
import { AgeCell, Exact } from '../design/Time';
import { toast } from '../design/toast';
import { given, useCursor } from '../design/useCursor';
import { CopyEvidence, Evidence } from '../evidence/Evidence';
import { bytes, number } from '../format/number';
import { age, clock, minute, ms, span } from '../format/time';
import { Overlay } from '../frame/Overlay';
import { useView } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { useNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { pageRight, useMay, useMe } from '../session/session';

const tabs = ['outbox', 'days', 'endpoint'] as const;

export default function National() {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const queries = useQueryClient();
  const [params, change] = useView();
  const tab = tabs.find((x) => x === params.get('tab')) ?? 'outbox';
  const mayTest = useMay('national.test');
  const mayAct = useMay('national.act');
  const [busy, setBusy] = useState('');
  const summary = useQuery({ queryKey: ['national'], queryFn: () => take(client.GET('/api/national')), refetchInterval: 15_000 });
  const n = summary.data;
  const test = async () => {
    setBusy('test');
    try {
      const r = await take(client.POST('/api/national/test'));
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
      await take(client.POST('/api/national/reconcile', { body: {} }));
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
  const sign = n.state === 'good' ? 'met' : n.state === 'unset' ? 'not_applicable' : n.state === 'bad' ? 'not_met' : 'unknown';
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
          {mayAct && n.endpoint && n.reconciles && (
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
              time: receipt ? minute(receipt) : '–',
              n: number(n.waiting, lang),
              d: n.room_days === undefined ? '–' : number(Math.floor(n.room_days), lang),
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
      {tab === 'days' && <Days n={n} />}
      {tab === 'endpoint' && <Endpoint />}
    </div>
  );
}

function DayState({ state, why }: { state: string; why?: string | undefined }) {
  const { t } = useTranslation();
  return (
    <PostureSign
      state={state === 'balanced' ? 'met' : state === 'off' ? 'not_met' : state === 'open' ? 'not_applicable' : 'unknown'}
      label={t(`national.day.${why ?? state}`)}
    />
  );
}

function Outbox({ unset }: { unset: boolean }) {
  const { t } = useTranslation();
  const lang = useLang();
  const [params, change] = useView();
  const query = given({ state: params.get('state') ?? '', kind: params.get('kind') ?? '', subject: params.get('subject') ?? '' });
  const { list, rows, first, more } = useCursor<ReportItem, PageReportItem>(['outbox', query], (after) =>
    take(
      client.GET('/api/national/outbox', { params: { query: { ...query, limit: 100, ...(after ? { after } : {}) } as never } }),
    ),
  );
  const [selected, setSelected] = useState<string | undefined>(params.get('sel') ?? undefined);
  const choose = (id: string | undefined) => {
    setSelected(id);
    change({ sel: id });
  };
  useKeys([{ keys: ['Escape'], label: '', act: () => choose(undefined) }]);
  const columns = useMemo<Column<ReportItem>[]>(
    () => [
      { key: 'state', head: t('column.state'), width: '120px', cell: (r) => <ReportState r={r} /> },
      {
        key: 'order',
        head: t('national.order'),
        width: '66px',
        right: true,
        cell: (r) => <span className="num">{r.order}</span>,
      },
      {
        key: 'what',
        head: t('national.message'),
        width: 'minmax(0,1fr)',
        cell: (r) => (
          <span className="cut block">
            {t(`reportKind.${r.kind}`)} {r.subject && <span className="num">{r.subject}</span>}{' '}
            <DemoChip demo={r.demo} exercise={r.exercise} />
          </span>
        ),
      },
      {
        key: 'system',
        head: t('column.system'),
        width: 'minmax(0,0.7fr)',
        cell: (r) => <span className="cut block">{r.system?.name ?? '–'}</span>,
      },
      {
        key: 'tries',
        head: t('national.tries'),
        width: '64px',
        right: true,
        cell: (r) => <span className="num">{number(r.tries, lang)}</span>,
      },
      {
        key: 'receipt',
        head: t('national.receipt'),
        width: 'minmax(0,0.7fr)',
        cell: (r) =>
          r.receipt ? (
            <span className="cut block num">
              {r.receipt.digest.slice(0, 8)}…{' '}
              {r.receipt.verified
                ? `✓ ${t('national.signed')}`
                : t(r.receipt.kind === 'transport' ? 'national.transport' : 'national.unverified')}
            </span>
          ) : r.last_error ? (
            <span className="cut block">
              <FarSide text={r.last_error} short />
            </span>
          ) : (
            '–'
          ),
      },
      { key: 'created', head: t('national.created'), width: '104px', cell: (r) => <AgeCell at={r.created} /> },
    ],
    [t, lang],
  );
  return (
    <>
      <div className="filter">
        <select
          className="select small"
          aria-label={t('column.state')}
          value={query.state ?? ''}
          onChange={(e) => change({ state: e.target.value })}
        >
          <option value="">{t('national.anyState')}</option>
          {['waiting', 'accepted', 'refused'].map((s) => (
            <option key={s} value={s}>
              {t(`reportState.${s}`)}
            </option>
          ))}
        </select>
        <select
          className="select small"
          aria-label={t('column.kind')}
          value={query.kind ?? ''}
          onChange={(e) => change({ kind: e.target.value })}
        >
          <option value="">{t('national.anyKind')}</option>
          {['alert', 'alert_update', 'heartbeat', 'reconciliation', 'test'].map((s) => (
            <option key={s} value={s}>
              {t(`reportKind.${s}`)}
            </option>
          ))}
        </select>
        <div className="end">
          <TakeIn topics={['national']} at={list.dataUpdatedAt} onTake={() => list.refetch()} />
        </div>
      </div>
      {list.isPending ? (
        <Loading what="national" />
      ) : !first ? (
        <Failed error={list.error} what="national" retry={() => list.refetch()} />
      ) : rows.length === 0 ? (
        <Empty>
          {unset
            ? t('national.empty')
            : query.state || query.kind
              ? t('state.noMatch', { what: t('noun.national') })
              : t('national.none')}
        </Empty>
      ) : (
        <div className={selected ? 'queue' : 'queue queue-single'}>
          <div className="queue-list">
            <Grid
              label={t('national.tab.outbox')}
              columns={selected ? columns.filter((c) => !['system', 'tries', 'receipt'].includes(c.key)) : columns}
              rows={rows}
              rowKey={(r) => r.id}
              rowHeight={44}
              total={first.total}
              selected={selected}
              onSelect={choose}
              onOpen={(r) => choose(r.id)}
              onEnd={more}
              autoFocus
            />
            <Foot shown={rows.length} total={first.total} capped={first.capped} asOf={first.as_of} />
          </div>
          {selected && <Message id={selected} onClose={() => choose(undefined)} />}
        </div>
      )}
    </>
  );
}

function ReportState({ r }: { r: ReportItem }) {
  const { t } = useTranslation();
  return (
    <PostureSign
      state={
        r.state === 'accepted' ? (r.receipt?.verified ? 'met' : 'unknown') : r.state === 'refused' ? 'not_met' : 'not_applicable'
      }
      label={r.state === 'accepted' && !r.receipt ? t('national.handed') : t(`reportState.${r.state}`)}
    />
  );
}

function Message({ id, onClose }: { id: string; onClose: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const detail = useQuery({
    queryKey: ['report', id],
    queryFn: () => take(client.GET('/api/national/outbox/{id}', { params: { path: { id } } })),
  });
  const r = detail.data;
  const pretty = useMemo(() => {
    try {
      return JSON.stringify(JSON.parse(r?.body ?? ''), null, 2);
    } catch {
      return r?.body ?? '';
    }
  }, [r?.body]);
  return (
    <aside className="preview" aria-label={t('national.message')}>
      <div className="card-head preview-head">
        <span className="num muted cut">{id}</span>
        <button type="button" className="top-button end" onClick={onClose} aria-label={t('act.back')}>
          <Icon name="close" size={14} />
        </button>
      </div>
      <div className="preview-in">
        {detail.isPending && <Loading what="national" rows={5} />}
        {detail.isError && <Failed error={detail.error} what="national" id={id} retry={() => detail.refetch()} />}
        {r && (
          <>
            <div className="alert-head">
              <ReportState r={r} />
              <DemoChip demo={r.demo} exercise={r.exercise} />
            </div>
            <dl className="facts">
              <dt>{t('column.kind')}</dt>
              <dd>
                {t(`reportKind.${r.kind}`)} · <span className="num">{r.channel}</span> ·{' '}
                <span className="num">{bytes(r.size, lang)}</span>
              </dd>
              {r.subject && (
                <>
                  <dt>{t('national.subject')}</dt>
                  <dd className="num">
                    {r.subject.startsWith('CB-') && pageRight(me, 'alerts') !== undefined ? (
                      <Link to={`/alerts/${r.subject}`}>{r.subject}</Link>
                    ) : (
                      r.subject
                    )}
                  </dd>
                </>
              )}
              <dt>{t('national.created')}</dt>
              <dd>
                <Exact at={r.created} />
              </dd>
              <dt>{t('national.tries')}</dt>
              <dd>
                <span className="num">{r.tries}</span>
                {r.next_try && r.state === 'waiting' && (
                  <>
                    , {t('national.next')} <span className="num">{clock(r.next_try)}</span>
                  </>
                )}
              </dd>
              {r.last_error && (
                <>
                  <dt>{t(ownTrouble(r.last_error) ? 'national.ownTrouble' : 'national.farSide')}</dt>
                  <dd>
                    <FarSide text={r.last_error} />
                  </dd>
                </>
              )}
              {r.receipt && (
                <>
                  <dt>{t('national.receipt')}</dt>
                  <dd>
                    <Exact at={r.receipt.received} /> <Evidence value={r.receipt.id} />
                    <div>
                      {r.receipt.verified ? (
                        `✓ ${t('national.signatureGood')}`
                      ) : r.receipt.kind === 'transport' ? (
                        <span className="unk-text">{t('national.transportHint')}</span>
                      ) : (
                        <span className="unk-text">
                          {t('national.unverified')} <Evidence value={r.receipt.fault ?? ''} mode="detail" />
                        </span>
                      )}
                    </div>
                    <div className="num muted">sha256 {r.receipt.digest}</div>
                  </dd>
                </>
              )}
            </dl>
            <section>
              <h2>{t('national.body')}</h2>
              <Pre label={t('national.body')}>
                <Evidence value={pretty} mode="detail" />
              </Pre>
              <CopyEvidence value={r.body} />
              {r.kind !== 'test' && <p className="muted small">{t('national.leftOut')}</p>}
            </section>
            {r.attempts.length > 0 && (
              <section>
                <h2>{t('national.attempts')}</h2>
                <ul className="national-tries">
                  {r.attempts.map((x) => (
                    <li key={x.at}>
                      <Exact at={x.at} /> <FarSide text={x.answer} />
                    </li>
                  ))}
                </ul>
              </section>
            )}
          </>
        )}
      </div>
    </aside>
  );
}

/** The trouble as a sentence for a message of one line. */
function plainTrouble(text: string, t: (k: string) => string): string {
  const code = ownTrouble(text);
  return code ? t(`national.trouble.${code}`) : text;
}

const troubles = [
  'server_expired',
  'server_name',
  'server_ca',
  'server_tls',
  'client_refused',
  'no_name',
  'no_service',
  'no_route',
  'no_answer',
] as const;

/** The way in which the connection failed before the far side said anything, where the text tells of one. */
const ownTrouble = (text: string) => troubles.find((x) => text.startsWith(`${x}: `));

/** Why the centre was not reached, in the reader's words where the product knows them; the far side's own as they are. */
function FarSide({ text, short }: { text: string; short?: boolean }) {
  const { t } = useTranslation();
  const code = ownTrouble(text);
  if (code && short) return t(`national.trouble.${code}`).split(': ')[0];
  return (
    <>
      {code && `${t(`national.trouble.${code}`)} `}
      <Evidence value={code ? text.slice(code.length + 2) : text} mode="detail" />
    </>
  );
}

function Days({ n }: { n: NationalSummary }) {
  const { t } = useTranslation();
  const lang = useLang();
  const day = (d: string) => (lang === 'vi' ? d.split('-').reverse().join('/') : d);
  return (
    <div className="page-body scroll">
      {n.days.length === 0 ? (
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
              {n.days.map((d) => (
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

function Endpoint() {
  const { t } = useTranslation();
  const may = useMay('national.endpoint');
  const endpoint = useQuery({ queryKey: ['endpoint'], queryFn: () => take(client.GET('/api/national/endpoint')) });
  if (endpoint.isPending) return <Loading what="national" />;
  if (!endpoint.data) return <Failed error={endpoint.error} what="national" retry={() => endpoint.refetch()} />;
  return (
    <div className="page-body scroll">
      <EndpointForm key={endpoint.data.version} e={endpoint.data} may={may} onDone={() => endpoint.refetch()} />
      {endpoint.data.certificate && (
        <section className="card">
          <h2>{t('national.certificate')}</h2>
          <p className="muted small">{t('national.certificateHint')}</p>
          <Pre label={t('national.certificate')}>
            <Evidence value={endpoint.data.certificate} mode="detail" />
          </Pre>
          <CopyEvidence value={endpoint.data.certificate} />
        </section>
      )}
    </div>
  );
}

function EndpointForm({ e, may, onDone }: { e: EndpointItem; may: boolean; onDone: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const queries = useQueryClient();
  const [f, setF] = useState({
    url: e.url,
    channel: e.channel || (e.channels[0]?.name ?? ''),
    server_name: e.server_name ?? '',
    organisation: e.organisation ?? '',
    authorities: e.authorities ?? '',
    receipt_key: e.receipt_key ?? '',
    reason: '',
  });
  const channel = e.channels.find((c) => c.name === f.channel);
  const [sheet, setSheet] = useState(false);
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const set = (k: keyof typeof f) => (x: { target: { value: string } }) => {
    setError('');
    setF({ ...f, [k]: x.target.value });
  };
  const save = async () => {
    setBusy(true);
    try {
      await take(client.PUT('/api/national/endpoint', { body: { ...f, url: f.url.trim(), version: e.version } }));
      setSheet(false);
      toast({ text: t('national.saved') });
      queries.invalidateQueries({ queryKey: ['national'] });
      onDone();
    } catch (x) {
      setSheet(false);
      setError(problemText(x, t('national.notSaved')));
    } finally {
      setBusy(false);
    }
  };
  const changed = (['url', 'channel', 'server_name', 'organisation', 'authorities', 'receipt_key'] as const).filter(
    (k) => f[k] !== (e[k] || (k === 'channel' ? (e.channels[0]?.name ?? '') : '')),
  );
  return (
    <section className="card">
      <form
        className="form"
        onSubmit={(x: FormEvent) => {
          x.preventDefault();
          setSheet(true);
        }}
      >
        <h2>{t('national.tab.endpoint')}</h2>
        {!e.url && <p className="banner banner-info">{t('national.empty')}</p>}
        <div>
          <label htmlFor="ep-url">{t('national.url')}</label>
          <Input
            id="ep-url"
            className="num"
            value={f.url}
            onChange={set('url')}
            placeholder="https://"
            disabled={!may}
            maxLength={400}
          />
        </div>
        <div>
          <label htmlFor="ep-channel">{t('national.channel')}</label>
          <select id="ep-channel" className="select" value={f.channel} onChange={set('channel')} disabled={!may}>
            {e.channels.map((c) => (
              <option key={c.name} value={c.name}>
                {c.title[lang] ?? c.name}
              </option>
            ))}
          </select>
          {channel && (
            <p className="hint">
              {[
                t(`national.receipts.${channel.receipts}`),
                !channel.heartbeats && t('national.noHeartbeat'),
                !channel.reconciles && t('national.day.no_list'),
              ]
                .filter(Boolean)
                .join('; ')}
            </p>
          )}
        </div>
        <div>
          <label htmlFor="ep-org">{t('national.organisation')}</label>
          <Input id="ep-org" value={f.organisation} onChange={set('organisation')} disabled={!may} maxLength={64} />
        </div>
        <div>
          <label htmlFor="ep-name">{t('national.serverName')}</label>
          <Input
            id="ep-name"
            className="num"
            value={f.server_name}
            onChange={set('server_name')}
            disabled={!may}
            maxLength={255}
          />
        </div>
        <div>
          <label htmlFor="ep-ca">{t('national.authorities')}</label>
          <Input.TextArea
            id="ep-ca"
            className="num"
            rows={4}
            value={f.authorities}
            onChange={set('authorities')}
            disabled={!may}
            spellCheck={false}
          />
        </div>
        <div hidden={channel !== undefined && channel.receipts !== 'signed'}>
          <label htmlFor="ep-key">{t('national.receiptKey')}</label>
          <Input.TextArea
            id="ep-key"
            className="num"
            rows={3}
            value={f.receipt_key}
            onChange={set('receipt_key')}
            disabled={!may}
            spellCheck={false}
          />
        </div>
        {e.changed && (
          <p className="hint">
            {t('national.changedBy', { who: e.by ?? '' })} <Exact at={e.changed} />
          </p>
        )}
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        {may ? (
          <div>
            <Button type="primary" htmlType="submit" disabled={changed.length === 0}>
              {t('national.set')}
            </Button>
          </div>
        ) : (
          <p className="hint">{t('national.adminOnly')}</p>
        )}
      </form>
      {sheet && (
        <Overlay title={t('national.sheet')} onClose={() => setSheet(false)} width={480}>
          <div className="overlay-body form">
            <p>{f.url ? t('national.sheetTo') : t('national.sheetStop')}</p>
            {f.url && <Evidence value={f.url} mode="detail" />}
            <p className="muted small">
              {t('national.sheetChanged', { list: changed.map((k) => t(`national.field.${k}`)).join(', ') })}
            </p>
            <div>
              <label htmlFor="ep-reason">{t('sources.reason')}</label>
              <Input
                id="ep-reason"
                value={f.reason}
                onChange={set('reason')}
                maxLength={400}
                autoFocus
                onPressEnter={(k) => k.ctrlKey && save()}
              />
            </div>
            <div className="row">
              <Button type="primary" loading={busy} onClick={save}>
                {f.url ? t('national.set') : t('national.stop')} <kbd>Ctrl ⏎</kbd>
              </Button>
              <Button onClick={() => setSheet(false)}>{t('act.back')}</Button>
            </div>
          </div>
        </Overlay>
      )}
    </section>
  );
}
