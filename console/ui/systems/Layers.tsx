import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { LayerItem } from '../api/client';
import { Measured } from '../design/Measured';
import { PostureSign } from '../design/signs';
import { share } from '../format/number';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { Score } from './bars';
import { Steps } from './Requirement';

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

export function OrgLayer({ layer, n }: { layer: LayerItem; n: number }) {
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

export function TechLayer({ layer }: { layer: LayerItem }) {
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
