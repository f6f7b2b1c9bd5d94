import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link, useNavigate, useParams } from 'react-router';
import { runbookOf } from '../alerts/Steps';
import { client, take } from '../api/client';
import { SeveritySign } from '../design/signs';
import { Failed, Loading } from '../design/states';
import { Pre } from '../design/TableWrap';
import { CopyEvidence, Evidence } from '../evidence/Evidence';
import { Said, Words } from '../evidence/Said';
import { number } from '../format/number';
import { useKeys } from '../keys/useKeys';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { pageRight, useMe } from '../session/session';
import { FeedNote, RuleSign } from './RuleSign';

export default function RulePage() {
  const { id = '' } = useParams();
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const navigate = useNavigate();
  const rule = useQuery({
    queryKey: ['rule', id],
    queryFn: () => take(client.GET('/api/rules/{id}', { params: { path: { id } } })),
  });
  useKeys([{ keys: ['Escape'], label: 'back', act: () => navigate('/rules') }]);
  if (rule.isPending) return <Loading what="rule" />;
  const r = rule.data;
  if (!r) return <Failed title={t('page.rules')} error={rule.error} what="rule" id={id} retry={() => rule.refetch()} />;
  const steps = runbookOf(r.runbook, lang);
  return (
    <div className="page">
      <div className="page-head">
        <Link to="/rules" className="small">
          ← {t('page.rules')} <kbd>Esc</kbd>
        </Link>
        <SeveritySign level={r.severity} />
        <RuleSign rule={r} />
        <Evidence value={r.id} className="muted" />
      </div>
      <div className="page-head">
        <h1>
          <Said text={r.title} fallback={r.id} />
        </h1>
      </div>
      <div className="page-body">
        {r.reason && (
          <p className="banner banner-danger">
            <Said text={r.reason} />
          </p>
        )}
        <FeedNote rule={r} />
        <section className="card">
          {say(r.why, lang, t) && (
            <p>
              <Said text={r.why} />
            </p>
          )}
          <dl className="facts">
            <dt>ATT&CK</dt>
            <dd className="num">{r.attack.join(', ') || '–'}</dd>
            <dt>{t('rules.logsource')}</dt>
            <dd>
              <Evidence
                value={
                  Object.entries(r.logsource ?? {})
                    .map(([k, v]) => `${k}: ${v}`)
                    .join(', ') || '–'
                }
              />
            </dd>
            <dt>{t('rules.version')}</dt>
            <dd className="num">{r.version}</dd>
            <dt>{t('rules.origin')}</dt>
            <dd>
              {r.origin} · <Evidence value={r.file} />
            </dd>
            <dt>{t('rules.alerts')}</dt>
            <dd className="num">
              {r.alerts_30d !== undefined && pageRight(me, 'alerts') !== undefined ? (
                <Link to={`/alerts?view=all&rule=${encodeURIComponent(r.id)}`}>{number(r.alerts_30d, lang)}</Link>
              ) : (
                number(r.alerts_30d, lang)
              )}
            </dd>
          </dl>
        </section>
        {steps.length > 0 && (
          <section className="card">
            <h2>{t('alerts.steps')}</h2>
            <ol className="fix">
              {steps.map((s, i) => (
                <li key={s}>
                  <span className="num">{i + 1}.</span> <Words text={s} />
                </li>
              ))}
            </ol>
          </section>
        )}
        <section className="card">
          <div className="card-head">
            <h2>{t('rules.text')}</h2>
            <span className="end">
              <CopyEvidence value={r.text} />
            </span>
          </div>
          <Pre label={t('rules.text')}>
            <Evidence value={r.text} mode="detail" />
          </Pre>
        </section>
      </div>
    </div>
  );
}
