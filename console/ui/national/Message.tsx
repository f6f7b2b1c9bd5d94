import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { client, type ReportItem, take } from '../api/client';
import { Icon } from '../design/icons';
import { DemoChip, PostureSign } from '../design/signs';
import { Failed, Loading } from '../design/states';
import { Pre } from '../design/TableWrap';
import { Exact } from '../design/Time';
import { CopyEvidence, Evidence } from '../evidence/Evidence';
import { bytes } from '../format/number';
import { clock } from '../format/time';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { FarSide, ownTrouble } from './trouble';

export function ReportState({ r }: { r: ReportItem }) {
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

export function Message({ id, onClose }: { id: string; onClose: () => void }) {
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
