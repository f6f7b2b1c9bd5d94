import { Button } from 'antd';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import { Empty } from '../design/states';
import type { useStatus } from '../frame/Frame';
import { realSources } from '../sources/counts';

/** Why the queue is empty: the filter, the view, or silent sources, which are no sign of quiet. */
export function NoAlerts({
  view,
  filtered,
  onClear,
  status,
}: {
  view: string;
  filtered: boolean;
  onClear: () => void;
  status: ReturnType<typeof useStatus>['data'];
}) {
  const { t } = useTranslation();
  const s = status?.sources;
  if (filtered)
    return (
      <Empty actions={<Button onClick={onClear}>{t('act.clear')}</Button>}>
        {t('state.noMatch', { what: t('noun.alerts') })}
      </Empty>
    );
  if (!['open', 'unacknowledged', 'all'].includes(view))
    return (
      <Empty>{t(view === 'closed' ? 'alerts.emptyClosed' : view === 'mine' ? 'alerts.emptyMine' : 'alerts.emptyView')}</Empty>
    );
  if (s && s.silent > 0)
    return (
      <Empty actions={<Link to={realSources(s, 'silent')}>{t('page.sources')}</Link>}>
        <span className="chip chip-unk">{t('alerts.emptySilent', { count: s.silent })}</span>
      </Empty>
    );
  return <Empty>{s && s.receiving > 0 ? t('alerts.empty', { n: s.receiving, m: s.total }) : t('alerts.emptyUnseen')}</Empty>;
}
