import { useTranslation } from 'react-i18next';
import type { RuleItem } from '../api/client';
import { PostureSign } from '../design/signs';
import { Evidence } from '../evidence/Evidence';

type Told = Pick<RuleItem, 'state' | 'feed' | 'feed_cause'>;

/** What a rule does here: a tick only where it is loaded and events of its log source arrive. */
const stateOf = (r: Told) => (r.state === 'running' ? (r.feed ?? 'unknown') : r.state);

const sign = { arrives: 'met', not_made: 'not_met', not_seen: 'unknown', unknown: 'unknown', refused: 'not_met' } as const;

export function RuleSign({ rule, word = 'shown' }: { rule: Told; word?: 'shown' | 'hidden' }) {
  const { t } = useTranslation();
  const s = stateOf(rule);
  return <PostureSign state={sign[s as keyof typeof sign]} word={word} label={t(`ruleState.${s}`)} />;
}

/** Why a rule that is loaded does not fire here, or may not; nothing where its events arrive. */
export function FeedNote({ rule }: { rule: Told }) {
  const { t } = useTranslation();
  const s = stateOf(rule);
  if (s !== 'not_made' && s !== 'not_seen' && s !== 'unknown') return null;
  return (
    <p className={`banner ${s === 'not_made' ? 'banner-danger' : 'banner-warn'}`}>
      <span>
        {t(`rules.feed_${s}`)} {rule.feed_cause && <Evidence value={rule.feed_cause} className="ev-wrap" />}
      </span>
    </p>
  );
}
