import { useQuery } from '@tanstack/react-query';
import { useEffect, useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type SystemDetail, take } from '../api/client';
import { Icon } from '../design/icons';
import { CountedSign } from '../design/signs';
import { Empty, Failed, Loading, Unread } from '../design/states';
import { number } from '../format/number';
import { date, minute, ms } from '../format/time';
import { useView } from '../frame/url';
import { useKeys } from '../keys/useKeys';
import { useNow } from '../live/clock';
import { useNotices } from '../live/stream';
import { useLang } from '../session/preferences';
import { CountsBar, systemScore } from './bars';
import { Cells } from './Cells';
import { ControlTable } from './ControlTable';
import { DateBar } from './DateBar';
import { OrgLayer, TechLayer } from './Layers';
import { Requirement } from './Requirement';

/** The requirement that is shown before one is chosen: what the system itself fails, then what it has not proven, then what the SOC fails. */
export function firstShown<F extends { state: string; about?: string | undefined }>(findings: readonly F[]): F | undefined {
  const own = findings.filter((f) => f.about !== 'appliance');
  return (
    own.find((f) => f.state === 'not_met') ??
    own.find((f) => f.state === 'unknown') ??
    findings.find((f) => f.state === 'not_met') ??
    findings[0]
  );
}

export function Posture({ system }: { system: SystemDetail }) {
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
    if (!picked && p) setPicked(firstShown(p.findings)?.control);
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
  const about = p.findings.filter((f) => f.about === 'appliance').length;
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
            {about > 0 && <p className="muted small">{t('systems.aboutAppliance', { count: about, n: number(about, lang) })}</p>}
            {noEvidence && <p className="muted small">{t('systems.noEvidence', { n: total })}</p>}
            <Unread list={catalogue} what="controls" />
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
