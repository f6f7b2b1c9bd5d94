import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { say } from '../alerts/parts';
import {
  type ControlItem,
  client,
  type Deadline,
  type FindingItem,
  type LayerItem,
  type PostureAnswer,
  type SystemDetail,
  take,
} from '../api/client';
import { Certainty } from '../design/Certainty';
import { DayField } from '../design/DayField';
import { Icon } from '../design/icons';
import { Measured } from '../design/Measured';
import { CountedSign, DemoChip, isPosture, PostureSign, SourceSign } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Age, Exact } from '../design/Time';
import { Evidence } from '../evidence/Evidence';
import { number, share } from '../format/number';
import { age, date, fromDay, minute, ms, span, toDay } from '../format/time';
import { useView } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { serverNow, useNow } from '../live/clock';
import { useNotices } from '../live/stream';
import { useLang } from '../session/preferences';
import { pageRight, useMay, useMe } from '../session/session';
import { AssetForm } from './AssetForm';
import { CountsBar, Score, systemScore } from './bars';
import { DateBar } from './DateBar';
import { Keeping, type Kept } from './Keeping';
import { SystemForm } from './SystemForm';

const tabs = ['posture', 'assets', 'history'] as const;

export default function SystemPage() {
  const { id = '' } = useParams();
  const { t } = useTranslation();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [params, change] = useView();
  const tab = tabs.find((x) => x === params.get('tab')) ?? 'posture';
  const mayWrite = useMay('inventory.write');
  const [editing, setEditing] = useState(false);
  const [keeping, setKeeping] = useState(false);
  const system = useQuery({
    queryKey: ['system', id],
    queryFn: () => take(client.GET('/api/systems/{id}', { params: { path: { id } } })),
  });
  const s = system.data;
  if (system.isPending) return <Loading what="system" />;
  if (!s) return <Failed title={t('page.systems')} error={system.error} what="system" id={id} retry={() => system.refetch()} />;
  return (
    // the cells and the requirement scroll with the page; lists have their own place
    <div className={tab === 'posture' ? 'page' : 'page page-fixed'}>
      <div className="page-head">
        <h1>{s.name}</h1>
        <span className="chip">{s.level > 0 ? t('levelShort', { n: s.level }) : t('systems.noLevel')}</span>
        {s.placement && <span className="chip">{t(`placement.${s.placement}`)}</span>}
        {s.dossier && <span className="chip">{t(`dossier.${s.dossier}`)}</span>}
        <DemoChip demo={s.demo} />
        <span className="num muted">{s.id}</span>
        {s.retired && (
          <span className="chip chip-warn">
            {t('keeping.since')} <Exact at={s.retired} short />
          </span>
        )}
        <div className="end">
          {mayWrite && !s.retired && <Button onClick={() => setEditing(true)}>{t('systems.edit')}</Button>}
          {mayWrite && <Button onClick={() => setKeeping(true)}>{t(s.retired ? 'keeping.openBack' : 'keeping.open')}</Button>}
        </div>
      </div>
      <div className="page-head sys-sub">
        <span className="small muted">
          {t('systems.owner')}: <span className="ink">{s.unit?.name ?? '–'}</span>
        </span>
        <span className="small muted">
          {t('systems.operator')}: <span className="ink">{s.operator?.name ?? '–'}</span>
        </span>
        {s.transition && <Transition d={s.transition} />}
      </div>
      <div className="tabs" role="tablist" aria-label={t('systems.parts')}>
        {tabs.map((x) => (
          <button
            key={x}
            type="button"
            role="tab"
            aria-selected={x === tab}
            onClick={() => change({ tab: x === 'posture' ? undefined : x }, true)}
          >
            {t(`systems.tab.${x}`)}
            {x === 'assets' && <span className="num">{s.assets.length + s.sources.length}</span>}
          </button>
        ))}
        {pageRight(me, 'alerts') !== undefined && (
          <button type="button" role="tab" aria-selected={false} onClick={() => navigate(`/alerts?system=${s.id}`)}>
            {t('page.alerts')}
            {s.open_alerts !== undefined && <span className="num">{s.open_alerts}</span>}
          </button>
        )}
      </div>
      {tab === 'posture' && <Posture system={s} />}
      {tab === 'assets' && <Assets system={s} onChanged={() => system.refetch()} />}
      {tab === 'history' && <Changes id={s.id} />}
      {keeping && (
        <Keeping
          thing={{ kind: 'systems', id: s.id, name: s.name, version: s.version, retired: s.retired }}
          onClose={() => setKeeping(false)}
          onDone={(gone) => {
            queries.invalidateQueries({ queryKey: ['systems'] });
            if (gone) navigate('/systems');
            else system.refetch();
          }}
        />
      )}
      {editing && <SystemForm system={s} onClose={() => setEditing(false)} onDone={() => system.refetch()} />}
    </div>
  );
}

function Transition({ d }: { d: Deadline }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <span className="transition">
      <span className={`banner ${d.days < 60 ? 'banner-danger' : 'banner-warn'}`}>
        <Icon name="clock" size={14} />
        <span>
          {say(d.text, lang, t)}:{' '}
          {d.days >= 0 ? t('systems.daysLeft', { count: d.days }) : t('systems.daysOver', { count: -d.days })},{' '}
          {d.approx ? `${t('systems.about')} ` : ''}
          {date(d.due, lang)}
        </span>
      </span>
      <span className="small muted">
        {d.law.document} {d.law.article}
      </span>
      <Certainty law={d.law} short />
    </span>
  );
}

function Posture({ system }: { system: SystemDetail }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const [params, change] = useView();
  const at = params.get('at') ?? '';
  const posture = useQuery({
    queryKey: ['posture', system.id, at],
    queryFn: () =>
      take(client.GET('/api/systems/{id}/posture', { params: { path: { id: system.id }, query: at ? { at } : {} } })),
    placeholderData: (old) => old,
    refetchInterval: at ? false : 60_000,
  });
  const catalogue = useQuery({ queryKey: ['controls'], queryFn: () => take(client.GET('/api/controls')), staleTime: 3_600_000 });
  const controls = useMemo(() => new Map((catalogue.data?.items ?? []).map((c) => [c.id, c])), [catalogue.data]);
  useNotices(['posture'], (n) => {
    if (!at && (!n.id || n.id === '*' || n.id.startsWith(system.id))) posture.refetch();
  });
  const p = posture.data;
  const findings = useMemo(() => new Map((p?.findings ?? []).map((f) => [f.control, f])), [p]);
  const [picked, setPicked] = useState<string | undefined>(params.get('sel') ?? undefined);
  const [by, setBy] = useState<'group' | 'clause' | 'table'>('group');
  useEffect(() => {
    if (!picked && p) setPicked(p.findings.find((f) => f.state === 'not_met')?.control ?? p.findings[0]?.control);
  }, [p, picked]);
  const panel = useRef<HTMLElement>(null);
  const dateField = useRef<HTMLInputElement>(null);
  useKeys([
    { keys: ['Enter', 'o'], label: 'evidence', act: () => panel.current?.focus() },
    { keys: ['d'], label: 'date', act: () => dateField.current?.focus() },
    { keys: ['Escape'], label: '', act: () => document.querySelector<HTMLElement>('.cell[tabindex="0"]')?.focus() },
  ]);
  if (posture.isPending) return <Loading what="posture" />;
  if (!p) return <Failed error={posture.error} what="posture" retry={() => posture.refetch()} />;
  const finding = picked ? findings.get(picked) : undefined;
  const choose = (c: string) => {
    setPicked(c);
    change({ sel: c });
  };
  const standing = systemScore(p.layers);
  const staleAt = ms(p.stale_after);
  const stale = !p.past && staleAt !== undefined && now > staleAt + 5000;
  const total = p.findings.length;
  const noEvidence = p.counts.unknown === total && total > 0;
  return (
    <>
      {p.past && (
        <div className="banner banner-info">
          <Icon name="clock" />
          <span>{t('systems.past', { date: date(p.at, lang) })}</span>
          <button type="button" className="link" onClick={() => change({ at: undefined })}>
            {t('systems.backToNow')}
          </button>
        </div>
      )}
      {stale && (
        <div className="banner banner-unk">
          {t('state.staleLine', { time: minute(p.as_of), n: Math.max(1, Math.floor((now - (ms(p.as_of) ?? now)) / 60_000)) })}
        </div>
      )}
      <div className="posture">
        <div className="posture-left">
          <section aria-labelledby="org">
            <div className="card-head">
              <h2 id="org">{t('systems.org')}</h2>
              {p.layers.length > 0 && (
                <span className="muted small">
                  {t('systems.lowest')} <b className="num ink">{standing ?? '?'}/3</b>
                </span>
              )}
            </div>
            <div className="layers card">
              {p.layers.map((l, i) => (
                <OrgLayer key={l.id} layer={l} n={i + 1} />
              ))}
            </div>
          </section>
          <section aria-labelledby="tech">
            <h2 id="tech">{t('systems.tech')}</h2>
            <div className="layers card">
              {p.technical.map((l) => (
                <TechLayer key={l.id} layer={l} />
              ))}
            </div>
          </section>
          <section className="card" aria-labelledby="controls">
            <div className="card-head">
              <h2 id="controls">{t('systems.requirements', { n: total, level: 3 })}</h2>
              <span className="legend">
                {(['met', 'not_met', 'unknown', 'not_applicable'] as const).map((k) => (
                  <CountedSign key={k} state={k} n={p.counts[k]}>
                    <b>{number(p.counts[k], lang)}</b>
                  </CountedSign>
                ))}
              </span>
              <div className="end switch" role="group" aria-label={t('systems.arrange')}>
                {(['group', 'clause', 'table'] as const).map((k) => (
                  <button key={k} type="button" aria-pressed={by === k} onClick={() => setBy(k)}>
                    {t(`systems.by.${k}`)}
                  </button>
                ))}
              </div>
            </div>
            <CountsBar counts={p.counts} thick />
            {noEvidence && <p className="muted small">{t('systems.noEvidence', { n: total })}</p>}
            {by === 'table' ? (
              <ControlTable p={p} controls={controls} picked={picked} onPick={choose} />
            ) : (
              <Cells
                p={p}
                findings={findings}
                controls={controls}
                by={by}
                picked={picked}
                onPick={choose}
                onOpen={() => panel.current?.focus()}
              />
            )}
          </section>
        </div>
        <aside className="card requirement" ref={panel} tabIndex={-1} aria-label={t('systems.requirement')}>
          {finding ? (
            <Requirement finding={finding} control={controls.get(finding.control)} past={p.past} />
          ) : (
            <Empty>{t('systems.pickCell')}</Empty>
          )}
        </aside>
      </div>
      <DateBar
        id={system.id}
        counts={p.past ? undefined : p.counts}
        at={at}
        onChange={(d) => change({ at: d })}
        field={dateField}
      />
    </>
  );
}

/** A layer cell: how it stands, why in words, and on opening what to do about it. */
function Layer({ layer, head, low, rest }: { layer: LayerItem; head: ReactNode; low: boolean; rest: string }) {
  const { t } = useTranslation();
  const lang = useLang();
  const unknown = layer.state === 'unknown';
  const said = layer.because
    .map((b) => say(b.text, lang, t))
    .filter(Boolean)
    .join(' ');
  return (
    <div className="layer" title={say(layer.full, lang, t)}>
      {head}
      <p title={said} className={`small clamp ${unknown ? 'unk-text' : low ? 'warn-text' : 'muted'}`}>
        {said || rest}
      </p>
      {layer.fix.length > 0 && (
        <details className="layer-fix small">
          <summary aria-label={t('systems.fixOf', { layer: say(layer.title, lang, t) })}>{t('systems.fixShort')}</summary>
          <p>{said}</p>
          <Steps steps={layer.fix} />
        </details>
      )}
    </div>
  );
}

function OrgLayer({ layer, n }: { layer: LayerItem; n: number }) {
  const { t } = useTranslation();
  const lang = useLang();
  const unknown = layer.state === 'unknown';
  return (
    <Layer
      layer={layer}
      low={layer.score < 2}
      rest={t(`systems.score.${layer.score}`)}
      head={
        <>
          <div className="layer-top">
            <Score n={layer.score} unknown={unknown} />
            <b className="num">{unknown ? '?' : layer.score}/3</b>
            <span className="muted small end">{t('systems.layerN', { n })}</span>
          </div>
          <p className="layer-name">{say(layer.title, lang, t)}</p>
        </>
      }
    />
  );
}

function TechLayer({ layer }: { layer: LayerItem }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <Layer
      layer={layer}
      low={false}
      rest={t(`posture.${layer.state}`)}
      head={
        <div className="layer-top">
          <PostureSign state={layer.state} label={say(layer.title, lang, t)} />
          <span className="sr">{t(`posture.${layer.state}`)}</span>
          <b className="end">
            <Measured known={layer.share !== undefined && layer.state !== 'unknown'} why={t('posture.unknown')}>
              <span className="num">{share(layer.share, lang, 0)}</span>
            </Measured>
          </b>
        </div>
      }
    />
  );
}

const basisOf: Record<string, string> = { tcvn11930: 'TCVN 11930:2017', tcvn14423: 'TCVN 14423:2026' };

/** Groups of cells; one tab stop, arrows move over all of them as they lie on the screen. */
function Cells({
  p,
  findings,
  controls,
  by,
  picked,
  onPick,
  onOpen,
}: {
  p: PostureAnswer;
  findings: Map<string, FindingItem>;
  controls: Map<string, ControlItem>;
  by: 'group' | 'clause';
  picked: string | undefined;
  onPick: (c: string) => void;
  onOpen: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const box = useRef<HTMLDivElement>(null);
  const groups = useMemo(() => {
    if (by === 'group')
      return p.groups
        .map((g) => ({ id: g.id, title: say(g.title, lang, t), items: g.items }))
        .sort((a, b) => b.items.length - a.items.length);
    const byClause = new Map<string, string[]>();
    for (const f of p.findings) {
      const c = controls.get(f.control)?.clauses[p.basis] ?? '–';
      const head = c.split('.').slice(0, 2).join('.');
      byClause.set(head, [...(byClause.get(head) ?? []), f.control]);
    }
    return [...byClause]
      .sort(([a], [b]) => a.localeCompare(b, 'vi', { numeric: true }))
      .map(([id, items]) => ({ id, title: `${basisOf[p.basis] ?? ''} ${id}`, items }));
  }, [p, by, controls, lang, t]);
  const packed = useMemo(() => pack(groups, 3), [groups]);
  const move = (dir: 'ArrowLeft' | 'ArrowRight' | 'ArrowUp' | 'ArrowDown') => {
    const cells = [...(box.current?.querySelectorAll<HTMLElement>('.cell') ?? [])];
    const at = cells.findIndex((c) => c.dataset.control === picked);
    const here = cells[at] ?? cells[0];
    if (!here) return;
    let to: HTMLElement | undefined;
    if (dir === 'ArrowLeft') to = cells[at - 1];
    else if (dir === 'ArrowRight') to = cells[at + 1];
    else {
      const r = here.getBoundingClientRect();
      let best = Number.POSITIVE_INFINITY;
      for (const c of cells) {
        const k = c.getBoundingClientRect();
        const dy = dir === 'ArrowDown' ? k.top - r.top : r.top - k.top;
        if (dy < 4) continue;
        const d = dy + Math.abs(k.left - r.left) * 3;
        if (d < best) {
          best = d;
          to = c;
        }
      }
    }
    if (to) {
      to.focus();
      onPick(to.dataset.control as string);
    }
  };
  useKeys([{ keys: ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'], label: 'cells', act: (k) => move(k as 'ArrowLeft') }]);
  return (
    <div className="cells" ref={box}>
      {packed.map((column, n) => (
        <div key={n} className="cell-column">
          {column.map((g) => {
            const list = g.items.map((c) => findings.get(c)).filter((f) => f !== undefined);
            const met = list.filter((f) => f.state === 'met').length;
            return (
              <section
                key={g.id}
                className={list.length < 5 ? 'cell-group cell-group-small' : 'cell-group'}
                aria-label={`${g.title} ${met}/${list.length}`}
              >
                <h3>
                  {g.title}{' '}
                  <span className="num muted">
                    {met}/{list.length}
                  </span>
                </h3>
                <div className="cell-list">
                  {list.map((f, i) => (
                    <Cell
                      key={f.control}
                      f={f}
                      name={`${g.title} ${i + 1}`}
                      picked={f.control === picked || (!picked && n === 0 && i === 0)}
                      onPick={onPick}
                      onOpen={onOpen}
                    />
                  ))}
                </div>
              </section>
            );
          })}
        </div>
      ))}
    </div>
  );
}

interface Group {
  id: string;
  title: string;
  items: string[];
}

/** Spreads groups over columns of about the same height, ten cells a row; two small groups share a line. */
function pack(groups: Group[], columns: number): Group[][] {
  const units: Group[][] = [];
  const small: Group[] = [];
  for (const g of groups) {
    if (g.items.length < 5) small.push(g);
    else units.push([g]);
  }
  while (small.length > 0) {
    const one = small.shift() as Group;
    const two = small.findIndex((g) => one.title.length + g.title.length < 26);
    units.push(two < 0 ? [one] : [one, ...small.splice(two, 1)]);
  }
  const out: { h: number; groups: Group[] }[] = Array.from({ length: columns }, () => ({ h: 0, groups: [] }));
  for (const u of units) {
    const to = out.reduce((a, b) => (b.h < a.h ? b : a));
    to.groups.push(...u);
    to.h += 1 + Math.ceil(Math.max(...u.map((g) => g.items.length)) / 10);
  }
  return out.map((c) => c.groups);
}

function newest(f: FindingItem): number | undefined {
  return f.evidence.reduce<number | undefined>((m, e) => {
    const at = ms(e.at);
    return at !== undefined && (m === undefined || at > m) ? at : m;
  }, undefined);
}

function Cell({
  f,
  name,
  picked,
  onPick,
  onOpen,
}: {
  f: FindingItem;
  name: string;
  picked: boolean;
  onPick: (c: string) => void;
  onOpen: () => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const at = newest(f);
  const label = `${name}, ${say(f.title, lang, t)}: ${t(`posture.${f.state}`).toLowerCase()}${at ? `, ${t('systems.evidenceAge', { age: age(at, serverNow(), lang) })}` : ''}`;
  return (
    <button
      type="button"
      className="cell"
      data-control={f.control}
      tabIndex={picked ? 0 : -1}
      aria-pressed={picked}
      aria-label={label}
      title={say(f.title, lang, t)}
      onKeyDown={(e) => {
        if (e.key !== 'Enter') return;
        e.preventDefault();
        onPick(f.control);
        onOpen();
      }}
      onClick={() => onPick(f.control)}
    >
      <PostureSign state={f.state} word="none" size={16} />
    </button>
  );
}

function ControlTable({
  p,
  controls,
  picked,
  onPick,
}: {
  p: PostureAnswer;
  controls: Map<string, ControlItem>;
  picked: string | undefined;
  onPick: (c: string) => void;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <TableWrap label={t('systems.requirement')}>
      <table className="plain">
        <thead>
          <tr>
            <th>{t('column.state')}</th>
            <th>{t('systems.requirement')}</th>
            <th>{t('systems.basis')}</th>
            <th>{t('systems.since')}</th>
          </tr>
        </thead>
        <tbody>
          {p.findings.map((f) => (
            <tr key={f.control} aria-selected={f.control === picked}>
              <td>
                <PostureSign state={f.state} />
              </td>
              <td>
                <button type="button" className="link left" onClick={() => onPick(f.control)}>
                  {say(f.title, lang, t)}
                </button>{' '}
                <span className="num muted">{f.control}</span>
              </td>
              <td className="num">{controls.get(f.control)?.clauses[p.basis] ?? '–'}</td>
              <td>{f.since ? <Exact at={f.since} short /> : '–'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableWrap>
  );
}

function Requirement({
  finding: f,
  control: c,
  past,
}: {
  finding: FindingItem;
  control: ControlItem | undefined;
  past: boolean;
}) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const at = newest(f);
  // A past state is told as it was computed then: its evidence is as old as it was at that time.
  const then = past ? (ms(f.computed) ?? now) : now;
  const figure = c?.basis.find((b) => b.part === 'figure');
  const reason = f.because.map((b) => say(b.text, lang, t) || b.code);
  return (
    <>
      <div className="req-head">
        <PostureSign state={f.state} word="none" size={15} />
        <h2>{say(f.title, lang, t)}</h2>
      </div>
      <p className="small muted">
        <span className="num">{f.control}</span> {f.mode && `· ${t(`mode.${f.mode}`)}`}
        {f.about === 'appliance' && ` · ${t('about.appliance')}`}
      </p>
      {c && <p className="small">{say(c.requirement, lang, t)}</p>}
      <dl className="facts req-facts">
        <dt>{t('systems.conclusion')}</dt>
        <dd>
          <PostureSign state={f.state} />{' '}
          {f.since && (
            <>
              {t('systems.from')} <Exact at={f.since} short />
            </>
          )}
          {f.state === 'unknown' && isPosture(f.last_known) && (
            <div className="unk-text">{t('systems.lastKnown', { state: t(`posture.${f.last_known}`).toLowerCase() })}</div>
          )}
          {f.computed && (
            <div className="small muted">
              {t('systems.computedAt')} <Exact at={f.computed} short />
              {f.policy && (
                <>
                  {' '}
                  · {t('systems.revision')} <span className="num">{f.policy}</span>
                </>
              )}
            </div>
          )}
        </dd>
        <dt>{t('systems.why')}</dt>
        <dd>
          {reason.length > 0 ? reason.map((r, i) => <div key={i}>{r}</div>) : '–'}
          {f.from && f.since && ms(f.from) !== ms(f.since) && (
            <div className="small muted">
              {t('systems.reasonSince')} <Exact at={f.from} short />
            </div>
          )}
          {c?.parameter && (
            <div className="muted">
              {t('systems.limit')} {say(c.parameter, lang, t)} {figure && <Basis b={figure} title={f.control} />}
            </div>
          )}
        </dd>
      </dl>
      {!past &&
        (f.fix.length > 0 ? (
          <>
            <h3>{t('systems.fix')}</h3>
            <Steps steps={f.fix} />
          </>
        ) : (
          <p className="small muted">{t(f.state === 'met' ? 'systems.nothingToDo' : 'systems.notConcerned')}</p>
        ))}
      <dl className="facts req-facts">
        <dt>{t('systems.evidence')}</dt>
        <dd>
          {f.evidence.length === 0 ? (
            <>
              <span className="unk-text">{t('systems.noneYet')}</span>
              {c?.how && <div className="muted">{t('systems.decides', { how: say(c.how, lang, t) })}</div>}
            </>
          ) : (
            <>
              {t('systems.records', { count: f.evidence.length })}
              {at !== undefined && (
                <>
                  , {t('systems.newest')} {past ? <Exact at={at} short /> : <Age at={at} />}
                </>
              )}
              <ul className="evidence-list">
                {f.evidence.slice(0, 20).map((e) => (
                  <li key={e.id + String(e.at)}>
                    {e.title ? <span>{say(e.title, lang, t)}</span> : <Evidence value={e.id} className="cut block" />}{' '}
                    <span className={e.expired ? 'unk-text' : 'muted'}>
                      {e.value && (
                        <>
                          <Evidence value={e.value} name /> ·{' '}
                        </>
                      )}
                      {age(e.at, then, lang)} · {t('systems.validFor', { span: span(e.max_age_ms, lang) })}
                      {e.expired && ` · ${t('systems.expired')}`}
                    </span>
                  </li>
                ))}
              </ul>
              {f.evidence.length > 20 && (
                <div className="muted">{t('systems.moreRecords', { count: f.evidence.length - 20 })}</div>
              )}
            </>
          )}
        </dd>
        {c && (
          <>
            <dt>{t('systems.law')}</dt>
            <dd>
              <ul className="basis-list">
                {c.basis.map((b, i) => (
                  <li key={i}>
                    <span>
                      <span className="muted">{t(`systems.part.${b.part}`)}:</span> {b.document} {b.article}
                      {b.note && (
                        <span className="muted"> {b.document ? `(${say(b.note, lang, t)})` : say(b.note, lang, t)}</span>
                      )}
                    </span>{' '}
                    <Basis b={b} title={f.control} />
                  </li>
                ))}
              </ul>
            </dd>
          </>
        )}
      </dl>
    </>
  );
}

/** The certainty of one part of the basis: where there is no document, the requirement's number stands for it. */
function Basis({ b, title }: { b: ControlItem['basis'][number]; title: string }) {
  const { t } = useTranslation();
  const law = b.document ? b : { ...b, document: t(`systems.part.${b.part}`), article: title };
  return <Certainty law={law} short />;
}

function Steps({ steps }: { steps: FindingItem['fix'] }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <ol className="fix">
      {steps.map((x, i) => (
        <li key={i}>
          <span className="num">{i + 1}.</span> {say(x, lang, t)}
        </li>
      ))}
    </ol>
  );
}

function Assets({ system, onChanged }: { system: SystemDetail; onChanged: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const may = useMay('inventory.write');
  const [form, setForm] = useState<SystemDetail['assets'][number] | 'new' | null>(null);
  const [keeping, setKeeping] = useState<Kept | null>(null);
  return (
    <div className="page-body scroll">
      <section className="card">
        <h2>
          {t('systems.sources')} <span className="num muted">{system.sources.length}</span>
        </h2>
        {system.sources.length === 0 ? (
          <Empty>{t('systems.noSources')}</Empty>
        ) : (
          <TableWrap label={t('systems.sources')}>
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('column.state')}</th>
                  <th>{t('sources.source')}</th>
                  <th>{t('systems.layersOf')}</th>
                  <th className="right">{t('sources.rate')}</th>
                  <th>{t('column.last')}</th>
                </tr>
              </thead>
              <tbody>
                {system.sources.map((s) => (
                  <tr key={s.id}>
                    <td>
                      <SourceSign state={s.state} />
                    </td>
                    <td>
                      {pageRight(me, 'sources') !== undefined ? (
                        <Link to={`/sources?sel=${s.id}`}>
                          <Evidence value={s.name} name />
                        </Link>
                      ) : (
                        <Evidence value={s.name} name />
                      )}{' '}
                      <span className="num muted">{s.id}</span> <DemoChip demo={s.demo} />
                    </td>
                    <td>{s.layers.map((l) => t(`layer.${l}`)).join(', ')}</td>
                    <td className="right">
                      <Measured known={Boolean(s.last_event) && s.state !== 'unknown'} why={t('sources.neverMeasured')}>
                        <span className="num">{number(s.rate, lang)}</span>
                        {t('unit.perMinute')}
                      </Measured>
                    </td>
                    <td>
                      <Age at={s.last_event} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableWrap>
        )}
      </section>
      <section className="card">
        <div className="card-head">
          <h2>
            {t('systems.assets')} <span className="num muted">{system.assets.length}</span>
          </h2>
          <div className="end">{may && !system.retired && <Button onClick={() => setForm('new')}>{t('assets.add')}</Button>}</div>
        </div>
        {system.assets.length === 0 ? (
          <Empty>{t('systems.noAssets')}</Empty>
        ) : (
          <TableWrap label={t('systems.assets')}>
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('field.host')}</th>
                  <th>{t('field.address')}</th>
                  <th>{t('systems.zone')}</th>
                  <th>{t('column.kind')}</th>
                  {may && (
                    <th>
                      <span className="sr">{t('admin.actions')}</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>
                {system.assets.map((a) => (
                  <tr key={a.id}>
                    <td>
                      <Evidence value={a.host} name /> <span className="num muted">{a.id}</span> <DemoChip demo={a.demo} />
                    </td>
                    <td>
                      <Evidence value={a.address ?? '–'} />
                    </td>
                    <td>{a.zone ? t(`zone.${a.zone}`, a.zone) : '–'}</td>
                    <td>{a.kind ? t(`assetKind.${a.kind}`, a.kind) : '–'}</td>
                    {may && (
                      <td>
                        <span className="row">
                          {!a.retired && (
                            <button type="button" className="link" onClick={() => setForm(a)}>
                              {t('admin.change')}
                            </button>
                          )}
                          <button
                            type="button"
                            className="link"
                            onClick={() =>
                              setKeeping({
                                kind: 'assets',
                                id: a.id,
                                name: a.host || a.address || a.id,
                                version: a.version,
                                retired: a.retired,
                              })
                            }
                          >
                            {t(a.retired ? 'keeping.openBack' : 'keeping.open')}
                          </button>
                        </span>
                      </td>
                    )}
                  </tr>
                ))}
              </tbody>
            </table>
          </TableWrap>
        )}
      </section>
      {form && (
        <AssetForm
          system={system.id}
          {...(form === 'new' ? {} : { asset: form })}
          onClose={() => setForm(null)}
          onDone={onChanged}
        />
      )}
      {keeping && <Keeping thing={keeping} onClose={() => setKeeping(null)} onDone={onChanged} />}
    </div>
  );
}

/** What differs between two days, or every change on the way. */
function Changes({ id }: { id: string }) {
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
