import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { Overview } from '../api/client';
import { SourceSign } from '../design/signs';
import { Evidence } from '../evidence/Evidence';
import { number } from '../format/number';
import { useLang } from '../session/preferences';
import { realSources, sampleSources } from '../sources/counts';
import { Broken } from './Broken';

/** How many sources are in which state. */
export function SourcesCard({ o, broken }: { o: Overview; broken: string | undefined }) {
  const { t } = useTranslation();
  const lang = useLang();
  const s = o.sources;
  if (!s) return <Broken id="ov-sources" name={t('page.sources')} text={broken} />;
  const states = (['receiving', 'thin', 'silent', 'skewed', 'garbled', 'never'] as const).filter(
    (k) => k !== 'never' || s.never > 0,
  );
  return (
    <>
      <div className="card-head">
        <h2 id="ov-sources">{t('overview.sources')}</h2>
        <Link className="end num" to={realSources(s)}>
          {number(s.total, lang)}
        </Link>
      </div>
      {s.total === 0 && <p className="chip chip-unk">{t('overview.noReal')}</p>}
      <ul className="counts">
        {(s.total > 0 ? states : []).map((k) => (
          <li key={k}>
            <Link to={realSources(s, k)}>
              {s[k] > 0 ? <SourceSign state={k} /> : <span className="muted">{t(`sourceState.${k}`)}</span>}
              <span className="num strong">{number(s[k], lang)}</span>
            </Link>
          </li>
        ))}
      </ul>
      {s.oldest && (
        <p className="small muted cut">
          {t('overview.silentLongest')} <Evidence value={s.oldest.name} name />
        </p>
      )}
      {s.samples.total > 0 && (
        <p className="small">
          <Link to={sampleSources()}>{t('sources.samplesApart', { n: number(s.samples.total, lang) })}</Link>
        </p>
      )}
    </>
  );
}
