import { Button } from 'antd';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useKeys } from '../keys/useKeys';
import { useNotices } from '../live/stream';
import { Icon } from './icons';

/** The reserved place above a list: rows change only when asked, by this button or its key. */
export function TakeIn({ topics, at, onTake }: { topics: readonly string[]; at: number; onTake: () => void }) {
  const { t } = useTranslation();
  const [seen, setSeen] = useState<ReadonlySet<string>>(new Set());
  useNotices(topics, (n) => setSeen((old) => (old.has(n.id) || old.size > 99 ? old : new Set(old).add(n.id))));
  useEffect(() => {
    if (at) setSeen(new Set());
  }, [at]);
  const act = () => {
    setSeen(new Set());
    onTake();
  };
  useKeys([{ keys: ['.'], label: 'takeIn', act }]);
  return (
    <span className="take-in">
      {seen.size > 0 ? (
        <Button type="primary" size="small" onClick={act} aria-keyshortcuts=".">
          <Icon name="arrowUp" size={14} /> {t('state.changes', { count: seen.size })} <kbd>.</kbd>
        </Button>
      ) : (
        <Button size="small" onClick={act} aria-keyshortcuts=".">
          {t('act.refresh')} <kbd>.</kbd>
        </Button>
      )}
    </span>
  );
}
