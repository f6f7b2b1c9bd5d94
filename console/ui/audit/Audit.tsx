import { Button } from 'antd';
import { Fragment, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { type AuditAnswer, type AuditItem, client, take } from '../api/client';
import { FilterField } from '../design/FilterField';
import { Foot } from '../design/Foot';
import { type Column, Grid } from '../design/Grid';
import { Icon } from '../design/icons';
import { RangeField } from '../design/RangeField';
import { PostureSign } from '../design/signs';
import { Empty, Failed, Loading, problemText } from '../design/states';
import { Pre } from '../design/TableWrap';
import { TakeIn } from '../design/TakeIn';
import { Age, Exact } from '../design/Time';
import { toast } from '../design/toast';
import { given, useCursor } from '../design/useCursor';
import { Evidence } from '../evidence/Evidence';
import { Said, Words } from '../evidence/Said';
import { number } from '../format/number';
import { listed } from '../format/time';
import { useRange, useView } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { serverNow } from '../live/clock';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';

/** How far the comparison of all rows with the evidence log has come: before it ends nothing is said to be the same. */
function Compared({ with: c }: { with: NonNullable<AuditAnswer['head']>['compared'] }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <span className={c.state === 'different' ? 'danger-text' : undefined}>
      {t(`audit.compared.${c.state}`, { n: number(c.rows, lang), at: listed(c.time, lang) })}
      {c.findings.length > 0 && `: ${c.findings.map((f) => say(f, lang, t)).join('; ')}`}
      {c.failed && `. ${t('audit.compared.failed', { why: c.failed })}`}
    </span>
  );
}

export default function Audit() {
  const { t } = useTranslation();
  const lang = useLang();
  const [params, change] = useView();
  const [at, setAt] = useState(serverNow);
  const [range, setRange] = useRange(at);
  const query = given({
    q: params.get('q') ?? '',
    result: params.get('result') ?? '',
    // what the machine did by itself floods what people did: it is folded until asked for, or until a deed, thing, result or word is asked for
    people: ['action', 'object', 'result', 'q'].some((k) => params.get(k)) || params.get('people') === 'all' ? '' : 'true',
    action: params.get('action') ?? '',
    object: params.get('object') ?? '',
    from: new Date(range.from).toISOString(),
    to: new Date(range.to + 60_000).toISOString(),
  });
  const { list, rows, first, more } = useCursor<AuditItem, AuditAnswer>(['audit', query], (after) =>
    take(client.GET('/api/audit', { params: { query: { ...query, limit: 200, ...(after ? { after } : {}) } as never } })),
  );
  const [selected, setSelected] = useState<string>();
  const [exporting, setExporting] = useState(false);
  const save = async () => {
    setExporting(true);
    try {
      const csv = await take(client.GET('/api/audit/export', { params: { query: query as never }, parseAs: 'blob' }));
      const a = document.createElement('a');
      a.href = URL.createObjectURL(csv);
      a.download = `hoalu-audit-${new Date(serverNow()).toISOString().slice(0, 10)}.csv`;
      a.click();
      URL.revokeObjectURL(a.href);
    } catch (x) {
      toast({ kind: 'error', text: problemText(x, t('audit.notExported')) });
    } finally {
      setExporting(false);
    }
  };
  const columns = useMemo<Column<AuditItem>[]>(
    () => [
      {
        key: 'result',
        head: t('audit.result'),
        width: '106px',
        cell: (a) => (
          <PostureSign
            state={a.result === 'done' ? 'met' : a.result === 'denied' ? 'not_met' : 'unknown'}
            label={t(`audit.is.${a.result}`)}
          />
        ),
      },
      {
        key: 'who',
        head: t('audit.who'),
        width: 'minmax(0,1fr)',
        cell: (a) => (
          <span className="cut block">
            <Who actor={a.actor} roles={a.roles} />{' '}
            {a.actor.id !== 'machine' && <span className="muted small">{a.roles.map((r) => t(`role.${r}`)).join(', ')}</span>}
          </span>
        ),
      },
      {
        key: 'action',
        head: t('audit.action'),
        width: 'minmax(0,1fr)',
        cell: (a) => (
          <span className="cut block">
            {say(a.text, lang, t)}
            {a.reason_said && <span className="muted">: {say(a.reason_said, lang, t).toLowerCase()}</span>}
          </span>
        ),
      },
      {
        key: 'object',
        head: t('audit.object'),
        width: 'minmax(0,0.8fr)',
        cell: (a) => <ObjectLink id={a.object} name={nameOf(a)} />,
      },
      {
        key: 'address',
        head: t('field.address'),
        width: '118px',
        cell: (a) => <Evidence value={a.address ?? '–'} className="cut block" />,
      },
      {
        key: 'number',
        head: t('audit.number'),
        width: '76px',
        right: true,
        cell: (a) => <span className="num">{number(a.number, lang)}</span>,
      },
      { key: 'time', head: t('column.time'), width: '116px', cell: (a) => <span className="num">{listed(a.time, lang)}</span> },
    ],
    [t, lang],
  );
  const filter = useRef<HTMLInputElement>(null);
  useKeys([
    { keys: ['/'], label: 'filter', act: () => filter.current?.focus() },
    { keys: ['Escape'], label: '', act: () => setSelected(undefined) },
  ]);
  const current = rows.find((a) => String(a.number) === selected);
  const head = first?.head;
  return (
    <div className="page page-fixed">
      <div className="page-head">
        <h1>{t('page.audit')}</h1>
        {head && (
          <span className="muted small">
            {t('audit.head', { n: number(head.size, lang) })} <Age at={head.time} /> ·{' '}
            <Evidence value={`${head.root.slice(0, 16)}…`} /> · <Compared with={head.compared} />
          </span>
        )}
        <div className="end">
          <RangeField
            range={range}
            onChange={(n) => {
              setAt(serverNow());
              setRange(n);
            }}
          />
        </div>
      </div>
      <div className="filter">
        <FilterField ref={filter} value={params.get('q') ?? ''} onChange={(q) => change({ q })} placeholder={t('audit.filter')} />
        <select
          className="select small"
          aria-label={t('audit.result')}
          value={query.result ?? ''}
          onChange={(e) => change({ result: e.target.value })}
        >
          <option value="">{t('audit.any')}</option>
          {['done', 'denied', 'error'].map((r) => (
            <option key={r} value={r}>
              {t(`audit.is.${r}`)}
            </option>
          ))}
        </select>
        <select
          className="select small"
          aria-label={t('audit.who')}
          value={query.people ?? ''}
          onChange={(e) => change({ people: e.target.value ? undefined : 'all' })}
        >
          <option value="true">{t('audit.people')}</option>
          <option value="">{t('audit.anyone')}</option>
        </select>
        {query.people && (
          <button type="button" className="link small" onClick={() => change({ people: 'all' })}>
            {t('audit.folded')}
          </button>
        )}
        <div className="end">
          <Button size="small" loading={exporting} disabled={rows.length === 0} onClick={save}>
            {t('audit.export')}
          </Button>
          <TakeIn
            topics={[]}
            at={list.dataUpdatedAt}
            onTake={() => {
              setAt(serverNow());
              if (!range.moving) list.refetch();
            }}
          />
        </div>
      </div>
      {list.isPending ? (
        <Loading what="audit" />
      ) : !first ? (
        <Failed error={list.error} what="audit" retry={() => list.refetch()} />
      ) : rows.length === 0 ? (
        <Empty>{t('audit.empty')}</Empty>
      ) : (
        <div className={current ? 'queue' : 'queue queue-single'}>
          <div className="queue-list">
            <Grid
              label={t('page.audit')}
              columns={current ? columns.filter((c) => !['address', 'number'].includes(c.key)) : columns}
              rows={rows}
              rowKey={(a) => String(a.number)}
              total={first.total}
              selected={selected}
              onSelect={setSelected}
              onOpen={(a) => setSelected(String(a.number))}
              onEnd={more}
              autoFocus
            />
            <Foot shown={rows.length} total={first.total} capped={first.capped} asOf={first.as_of} />
          </div>
          {current && (
            <aside className="preview" aria-label={t('audit.detail')}>
              <div className="card-head preview-head">
                <span className="num muted">#{number(current.number, lang)}</span>
                <button
                  type="button"
                  className="top-button end"
                  onClick={() => setSelected(undefined)}
                  aria-label={t('act.back')}
                >
                  <Icon name="close" size={14} />
                </button>
              </div>
              <div className="preview-in">
                <dl className="facts">
                  <dt>{t('column.time')}</dt>
                  <dd>
                    <Exact at={current.time} />
                  </dd>
                  <dt>{t('audit.who')}</dt>
                  <dd>
                    <Who actor={current.actor} roles={current.roles} />{' '}
                    {current.actor.id !== 'system' && <span className="num muted">{current.actor.id}</span>}
                  </dd>
                  <dt>{t('audit.action')}</dt>
                  <dd>
                    {say(current.text, lang, t)} <span className="num muted">{current.action}</span>
                  </dd>
                  <dt>{t('audit.object')}</dt>
                  <dd>
                    <ObjectLink id={current.object} name={nameOf(current)} />{' '}
                    {nameOf(current) && <span className="num muted">{current.object}</span>}
                  </dd>
                  <dt>{t('audit.result')}</dt>
                  <dd>{t(`audit.is.${current.result}`)}</dd>
                  {current.reason && (
                    <>
                      <dt>{t('sources.reason')}</dt>
                      <dd>
                        {current.reason_said ? (
                          say(current.reason_said, lang, t)
                        ) : (
                          <Evidence value={current.reason} mode="detail" />
                        )}
                      </dd>
                    </>
                  )}
                  <dt>{t('field.address')}</dt>
                  <dd>
                    <Evidence value={current.address ?? '–'} />
                  </dd>
                  {current.said.map((d) => (
                    <Fragment key={d.key}>
                      <dt>
                        <Said text={d.name} />
                      </dt>
                      <dd>
                        <Said text={d.value} />
                      </dd>
                    </Fragment>
                  ))}
                  {current.before && <Pair name={t('audit.before')} value={current.before} />}
                  {current.after && <Pair name={t('audit.after')} value={current.after} />}
                </dl>
                {head && (
                  <section>
                    <h3>{t('audit.checkpoint')}</h3>
                    <Pre label={t('audit.checkpoint')}>
                      <Evidence value={head.checkpoint} mode="detail" />
                    </Pre>
                    <h3>{t('audit.key')}</h3>
                    <Pre label={t('audit.key')}>
                      <Evidence value={head.key} mode="detail" />
                    </Pre>
                  </section>
                )}
              </div>
            </aside>
          )}
        </div>
      )}
    </div>
  );
}

/** A person of ours by name; who has no role was only tried at the door, and wrote the name there himself. */
function Who({ actor, roles }: { actor: AuditItem['actor']; roles: AuditItem['roles'] }) {
  if (actor.id === 'system') return <>{actor.name}</>;
  const name = actor.name || actor.id;
  return roles.length > 0 ? <Words text={name} /> : <Evidence value={name} name />;
}

function Pair({ name, value }: { name: string; value: string }) {
  return (
    <>
      <dt>
        <Evidence value={name} />
      </dt>
      <dd>
        <Evidence value={value} mode="detail" />
      </dd>
    </>
  );
}

/** An account is a number of ours that nobody knows: the row says whose it is by the log-in name, or by who did it to himself. */
function nameOf(a: AuditItem): string | undefined {
  if (!a.object?.startsWith('ng-')) return undefined;
  return a.details?.login ?? (a.object === a.actor.id ? a.actor.name : undefined);
}

function ObjectLink({ id, name }: { id: string | undefined; name?: string | undefined }) {
  if (!id) return <>–</>;
  if (name) return <Evidence value={name} name className="cut block" />;
  const to = id.startsWith('CB-')
    ? `/alerts/${id}`
    : id.startsWith('HT-')
      ? `/systems/${id}`
      : id.startsWith('NG-')
        ? `/sources?sel=${id}`
        : undefined;
  return to ? (
    <Link to={to} className="num">
      {id}
    </Link>
  ) : (
    <Evidence value={id} className="cut block" />
  );
}
