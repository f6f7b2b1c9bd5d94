import { useTranslation } from 'react-i18next';
import type { ControlItem, FindingItem } from '../api/client';
import { Certainty } from '../design/Certainty';
import { isPosture, PostureSign } from '../design/signs';
import { Age, Exact } from '../design/Time';
import { Evidence } from '../evidence/Evidence';
import { age, ms, span } from '../format/time';
import { useNow } from '../live/clock';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';

export function newest(f: FindingItem): number | undefined {
  return f.evidence.reduce<number | undefined>((m, e) => {
    const at = ms(e.at);
    return at !== undefined && (m === undefined || at > m) ? at : m;
  }, undefined);
}

export function Requirement({
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
  const me = useMe();
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
        (f.about === 'appliance' && pageRight(me, 'admin') === undefined && f.state !== 'met' ? (
          <p className="small muted">{t('about.notYours')}</p>
        ) : f.fix.length > 0 ? (
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

export function Steps({ steps }: { steps: FindingItem['fix'] }) {
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
