import { useQuery } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { client, take } from '../api/client';
import { Icon } from '../design/icons';
import { Measured } from '../design/Measured';
import { MiniBars } from '../design/MiniBars';
import { DemoChip, SourceSign } from '../design/signs';
import { Failed, Loading } from '../design/states';
import { Pre } from '../design/TableWrap';
import { Age, Exact } from '../design/Time';
import { Evidence } from '../evidence/Evidence';
import { number, share } from '../format/number';
import { date, ms, span } from '../format/time';
import { useNow } from '../live/clock';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { pageRight, useMay, useMe } from '../session/session';
import { Keeping } from '../systems/Keeping';
import { Keys } from './Keys';
import { inWindow, measured, offset, whyNoRate, whyNoShare } from './measured';
import { SourceForm } from './SourceForm';
import { ResumeSheet, StopSheet } from './StopSheet';

export function SourceDetail({ id, onClose, onChanged }: { id: string; onClose: () => void; onChanged: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const me = useMe();
  const detail = useQuery({
    queryKey: ['source', id],
    queryFn: () => take(client.GET('/api/sources/{id}', { params: { path: { id } } })),
    // what waits for its first event turns by itself when it comes
    refetchInterval: (q) => (q.state.data?.last_event ? false : 5000),
  });
  const mayDelete = useMay('sources.delete');
  const [keeping, setKeeping] = useState(false);
  const [stopping, setStopping] = useState(false);
  const [resuming, setResuming] = useState(false);
  const [editing, setEditing] = useState(false);
  const s = detail.data;
  const may = s?.deeds.some((d) => d === 'sources.write' || d === 'write' || d === 'change' || d === 'stop');
  const bars = (s?.minutes ?? []).filter((m) => m.known).map((m) => ({ at: ms(m.start) ?? 0, n: m.received }));
  const starts = (s?.minutes ?? []).map((m) => ms(m.start) ?? 0);
  const from = starts[0] ?? now - 86_400_000;
  const to = (starts.at(-1) ?? now) + 600_000;
  const gaps = (s?.minutes ?? [])
    .filter((m) => !m.known)
    .map((m): [number, number] => [ms(m.start) ?? 0, (ms(m.start) ?? 0) + 600_000]);
  return (
    <aside className="preview" aria-label={t('sources.detail')}>
      <div className="card-head preview-head">
        <span className="num muted">{id}</span>
        {s && <SourceSign state={s.state} />}
        <DemoChip demo={s?.demo} />
        <button type="button" className="top-button end" onClick={onClose} aria-label={t('act.back')}>
          <Icon name="close" size={14} />
        </button>
      </div>
      <div className="preview-in">
        {detail.isPending && <Loading what="source" rows={6} />}
        {detail.isError && <Failed error={detail.error} what="source" id={id} retry={() => detail.refetch()} />}
        {s && (
          <>
            <h2 className="preview-title">
              <Evidence value={s.name} name />
            </h2>
            {s.state !== 'receiving' && s.since && (
              <p className={`banner ${s.state === 'silent' || s.state === 'unknown' ? 'banner-unk' : 'banner-warn'}`}>
                {t(`sourceState.${s.state}`)}
                {s.state !== 'never' && ` ${span(now - (ms(s.since) ?? now), lang)}`}:{' '}
                {s.cause ? say(s.cause.text, lang, t) : t('sources.noCause')}
              </p>
            )}
            {!s.last_event && !s.retired && (
              <p className="banner banner-info" role="status">
                {t('sources.awaiting')}
              </p>
            )}
            {s.stopped_until && (
              <p className="banner banner-info">
                {t('sources.stopped')} <Exact at={s.stopped_until} />{' '}
                {may && <Button onClick={() => setResuming(true)}>{t('sources.resume')}</Button>}
              </p>
            )}
            <dl className="facts">
              <dt>{t('column.system')}</dt>
              <dd>
                {s.system ? (
                  pageRight(me, 'systems') !== undefined ? (
                    <Link to={`/systems/${s.system.id}`}>{s.system.name}</Link>
                  ) : (
                    s.system.name
                  )
                ) : (
                  t('systems.unassigned')
                )}
              </dd>
              <dt>{t('column.kind')}</dt>
              <dd>
                {t(`sourceKind.${s.kind}`)} {s.dataset && <Evidence value={s.dataset} />}
              </dd>
              {s.address && (
                <>
                  <dt>{t('field.address')}</dt>
                  <dd>
                    <Evidence value={s.address} />
                  </dd>
                </>
              )}
              <dt>{t('systems.layersOf')}</dt>
              <dd>{s.layers.length > 0 ? s.layers.map((l) => t(`layer.${l}`)).join(', ') : '–'}</dd>
              <dt>{t('sources.lastEvent')}</dt>
              <dd>
                {s.last_event ? (
                  <>
                    <Age at={s.last_event} /> · <Exact at={s.last_event} />
                  </>
                ) : (
                  t('sourceState.never')
                )}
              </dd>
              <dt>{t('sources.rate')}</dt>
              <dd>
                <Measured known={measured(s) && s.rate !== undefined} why={t(whyNoRate(s))}>
                  <span className="num">{number(s.rate ?? 0, lang)}</span>
                  {t('unit.perMinute')}
                </Measured>
                , {s.usual > 0 ? t('sources.usual', { n: number(s.usual, lang) }) : t('sources.usualUnknown')}
              </dd>
              <dt>{t('sources.unparsed')}</dt>
              <dd>
                <Measured known={inWindow(s)} why={t(whyNoShare(s))}>
                  <span className="num">{share(s.unparsed, lang)}</span>
                </Measured>
              </dd>
              <dt>{t('sources.offset')}</dt>
              <dd>
                <Measured
                  known={s.offset_ms !== undefined}
                  why={t(measured(s) ? 'sources.clockUnknown' : 'sources.neverMeasured')}
                >
                  <span className="num">{offset(s.offset_ms ?? 0, lang)}</span>
                </Measured>
              </dd>
              <dt>{t('sources.total')}</dt>
              <dd className="num">{number(s.total, lang)}</dd>
            </dl>
            <section>
              <h3>{t('sources.day')}</h3>
              <MiniBars from={from} to={to} step={600_000} bars={bars} gaps={gaps} label={t('sources.dayLabel')} height={56} />
            </section>
            {s.last_raw_error && (
              <section>
                <h3>{t('sources.lastRaw')}</h3>
                <p>{s.last_raw_error}</p>
              </section>
            )}
            {s.last_raw && (
              <section>
                <h3>{t('sources.lastRaw')}</h3>
                <Pre label={t('sources.lastRaw')}>
                  <Evidence value={s.last_raw} mode="detail" />
                </Pre>
              </section>
            )}
            <Keys
              source={s}
              onChanged={() => {
                detail.refetch();
                onChanged();
              }}
            />
            {s.controls.length > 0 && (
              <section>
                <h3>{t('sources.controls', { count: s.controls.length })}</h3>
                <ul className="small">
                  {s.controls.slice(0, 12).map((k) => (
                    <li key={k.id} className="cut">
                      <span className="num">{k.id}</span> {k.name}
                    </li>
                  ))}
                </ul>
                {s.controls.length > 12 && (
                  <p className="muted small">{t('sources.moreControls', { n: s.controls.length - 12 })}</p>
                )}
              </section>
            )}
          </>
        )}
      </div>
      {s && may && s.kind !== 'self' && (
        <div className="actions-bar">
          <Button onClick={() => setStopping(true)}>{t('sources.stop')}</Button>
          <Button onClick={() => setEditing(true)}>{s.auto ? t('sources.confirm') : t('sources.edit')}</Button>
          {mayDelete && <Button onClick={() => setKeeping(true)}>{t(s.retired ? 'keeping.openBack' : 'keeping.open')}</Button>}
        </div>
      )}
      {s && keeping && (
        <Keeping
          thing={{ kind: 'sources', id: s.id, name: s.name, version: s.version, retired: s.retired }}
          onClose={() => setKeeping(false)}
          onDone={(gone) => {
            onChanged();
            if (gone) onClose();
            else detail.refetch();
          }}
        />
      )}
      {s && stopping && (
        <StopSheet
          source={s}
          onClose={() => setStopping(false)}
          onDone={() => {
            detail.refetch();
            onChanged();
          }}
        />
      )}
      {s && resuming && (
        <ResumeSheet
          source={s}
          onClose={() => setResuming(false)}
          onDone={() => {
            detail.refetch();
            onChanged();
          }}
        />
      )}
      {s && editing && (
        <SourceForm
          source={s}
          onClose={() => setEditing(false)}
          onDone={() => {
            detail.refetch();
            onChanged();
          }}
        />
      )}
    </aside>
  );
}

/** Ends says when a sensor's certificate ends; within 30 days it warns, for by then it ought to have been renewed. */
export function Ends({ at }: { at: string | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  const end = ms(at);
  if (end === undefined) return null;
  const left = end - now;
  const key = left <= 0 ? 'certificateEnded' : left <= 30 * 86_400_000 ? 'certificateSoon' : 'certificateEnds';
  return (
    <p className={key === 'certificateEnds' ? 'small muted' : 'small warn-text'}>
      {t(`sources.${key}`, { date: date(end, lang) })}
    </p>
  );
}
