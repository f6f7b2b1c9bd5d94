import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Overview } from '../api/client';
import { Measured } from '../design/Measured';
import { PostureSign } from '../design/signs';
import { number } from '../format/number';
import { minute } from '../format/time';
import { useLang } from '../session/preferences';
import { Broken } from './Broken';

/** The newest minute of the ledger. */
export function LedgerCard({ o, broken }: { o: Overview; broken: string | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const l = o.ledger;
  if (!l) return <Broken id="ov-ledger" name={t('page.ledger')} text={broken} />;
  const r = l.row;
  const cells = ['received', 'stored', 'quarantined', 'rejected', 'duplicate', 'dropped', 'in_flight', 'difference'] as const;
  return (
    <>
      <div className="card-head">
        <h2 id="ov-ledger">
          {t('overview.ledger')} {l.minute && <span className="num">{minute(l.minute)}</span>}
        </h2>
        <PostureSign
          state={l.state === 'balanced' ? 'met' : l.state === 'off' ? 'not_met' : 'unknown'}
          label={
            l.state === 'balanced'
              ? t('ledger.equation')
              : l.state === 'off'
                ? t('ledger.off', { n: number(l.difference, lang) })
                : t('ledger.unknown')
          }
        />
        <Link className="end small" to="/ledger">
          {t('ledger.openPage')}
        </Link>
      </div>
      {r ? (
        <dl className="ledger-row">
          {cells.map((c) => (
            <div key={c}>
              <dt>{t(`ledger.${c}`)}</dt>
              <dd className="num strong">
                <Measured known={c !== 'difference' || r.checked} why={t('ledger.unchecked')}>
                  {number(r[c], lang)}
                </Measured>
              </dd>
            </div>
          ))}
        </dl>
      ) : (
        <p className="muted small">{t('ledger.none')}</p>
      )}
      {l.not_measured > 0 && <p className="small unk-text">{t('ledger.notMeasuredDay', { n: number(l.not_measured, lang) })}</p>}
    </>
  );
}
