import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { AlertItem, Overview } from '../api/client';
import { DemoChip, SeveritySign } from '../design/signs';
import { Empty } from '../design/states';
import { Said } from '../evidence/Said';
import { ms, span } from '../format/time';
import { useNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { systemName } from '../systems/name';

/** What to do next: the highest open alerts, or why there are none. */
export function Next({ items, o }: { items: AlertItem[]; o: Overview }) {
  const { t } = useTranslation();
  const lang = useLang();
  const now = useNow();
  if (items.length === 0) {
    const s = o.sources;
    return (
      <Empty>
        {s && s.silent > 0
          ? t('alerts.emptySilent', { count: s.silent })
          : s && s.receiving > 0
            ? t('alerts.empty', { n: s.receiving, m: s.total })
            : t('alerts.emptyUnseen')}
      </Empty>
    );
  }
  return (
    <ul className="next">
      {items.slice(0, 7).map((a) => (
        <li key={a.id}>
          <Link to={`/alerts?sel=${a.number}`}>
            <SeveritySign level={a.severity} word="hidden" />
            <span className="cell2">
              <span className="cut title">
                <Said text={a.title} fallback={a.rule} />
              </span>
              <span className="sub cut">
                <DemoChip demo={a.demo} exercise={a.exercise} />{' '}
                {a.state !== 'new' && `${t(`alertState.${a.state}`)}${a.holder ? ` · ${a.holder.name}` : ''} · `}
                {systemName(a.system, t)}
              </span>
            </span>
            <span className="muted">{span(now - (ms(a.last) ?? now), lang)}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}
