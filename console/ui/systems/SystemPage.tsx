import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useNavigate, useParams } from 'react-router';
import { client, type Deadline, take } from '../api/client';
import { Certainty } from '../design/Certainty';
import { Icon } from '../design/icons';
import { DemoChip } from '../design/signs';
import { Failed, Loading } from '../design/states';
import { Exact } from '../design/Time';
import { date } from '../format/time';
import { useView } from '../frame/url';
import { say } from '../locales/say';
import { useLang } from '../session/preferences';
import { pageRight, useMay, useMe } from '../session/session';
import { Assets } from './Assets';
import { Changes } from './Changes';
import { Keeping } from './Keeping';
import { Posture } from './Posture';
import { SystemForm } from './SystemForm';

const tabs = ['posture', 'assets', 'history'] as const;

export default function SystemPage() {
  const { id = '' } = useParams();
  const { t } = useTranslation();
  const me = useMe();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [params, change] = useView();
  const tab = tabs.find((x) => x === params.get('tab')) ?? 'posture';
  const mayWrite = useMay('inventory.write');
  const [editing, setEditing] = useState(false);
  const [keeping, setKeeping] = useState(false);
  const system = useQuery({
    queryKey: ['system', id],
    queryFn: () => take(client.GET('/api/systems/{id}', { params: { path: { id } } })),
  });
  const s = system.data;
  if (system.isPending) return <Loading what="system" />;
  if (!s) return <Failed title={t('page.systems')} error={system.error} what="system" id={id} retry={() => system.refetch()} />;
  return (
    // the cells and the requirement scroll with the page; lists have their own place
    <div className={tab === 'posture' ? 'page' : 'page page-fixed'}>
      <div className="page-head">
        <h1>{s.name}</h1>
        <span className="chip">{s.level > 0 ? t('levelShort', { n: s.level }) : t('systems.noLevel')}</span>
        {s.placement && <span className="chip">{t(`placement.${s.placement}`)}</span>}
        {s.dossier && <span className="chip">{t(`dossier.${s.dossier}`)}</span>}
        <DemoChip demo={s.demo} />
        <span className="num muted">{s.id}</span>
        {s.retired && (
          <span className="chip chip-warn">
            {t('keeping.since')} <Exact at={s.retired} short />
          </span>
        )}
        <div className="end">
          {mayWrite && !s.retired && <Button onClick={() => setEditing(true)}>{t('systems.edit')}</Button>}
          {mayWrite && <Button onClick={() => setKeeping(true)}>{t(s.retired ? 'keeping.openBack' : 'keeping.open')}</Button>}
        </div>
      </div>
      <div className="page-head sys-sub">
        <span className="small muted">
          {t('systems.owner')}: <span className="ink">{s.unit?.name ?? '–'}</span>
        </span>
        <span className="small muted">
          {t('systems.operator')}: <span className="ink">{s.operator?.name ?? '–'}</span>
        </span>
        {s.transition && <Transition d={s.transition} />}
      </div>
      <div className="tabs" role="tablist" aria-label={t('systems.parts')}>
        {tabs.map((x) => (
          <button
            key={x}
            type="button"
            role="tab"
            aria-selected={x === tab}
            onClick={() => change({ tab: x === 'posture' ? undefined : x }, true)}
          >
            {t(`systems.tab.${x}`)}
            {x === 'assets' && <span className="num">{s.assets.length + s.sources.length}</span>}
          </button>
        ))}
        {pageRight(me, 'alerts') !== undefined && (
          <button type="button" role="tab" aria-selected={false} onClick={() => navigate(`/alerts?system=${s.id}`)}>
            {t('page.alerts')}
            {s.open_alerts !== undefined && <span className="num">{s.open_alerts}</span>}
          </button>
        )}
      </div>
      {tab === 'posture' && <Posture system={s} />}
      {tab === 'assets' && <Assets system={s} onChanged={() => system.refetch()} />}
      {tab === 'history' && <Changes id={s.id} />}
      {keeping && (
        <Keeping
          thing={{ kind: 'systems', id: s.id, name: s.name, version: s.version, retired: s.retired }}
          onClose={() => setKeeping(false)}
          onDone={(gone) => {
            queries.invalidateQueries({ queryKey: ['systems'] });
            if (gone) navigate('/systems');
            else system.refetch();
          }}
        />
      )}
      {editing && <SystemForm system={s} onClose={() => setEditing(false)} onDone={() => system.refetch()} />}
    </div>
  );
}

function Transition({ d }: { d: Deadline }) {
  const { t } = useTranslation();
  const lang = useLang();
  return (
    <span className="transition">
      <span className={`banner ${d.days < 60 ? 'banner-danger' : 'banner-warn'}`}>
        <Icon name="clock" size={14} />
        <span>
          {say(d.text, lang, t)}:{' '}
          {d.days >= 0 ? t('systems.daysLeft', { count: d.days }) : t('systems.daysOver', { count: -d.days })},{' '}
          {d.approx ? `${t('systems.about')} ` : ''}
          {date(d.due, lang)}
        </span>
      </span>
      <span className="small muted">
        {d.law.document} {d.law.article}
      </span>
      <Certainty law={d.law} short />
    </span>
  );
}
