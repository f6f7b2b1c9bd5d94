import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type SystemDetail, take } from '../api/client';
import { Choice, TextField } from '../design/fields';
import { Unread } from '../design/states';
import { FormSheet } from '../frame/FormSheet';

/** Databases to choose from; what was entered otherwise stays one of them. "none" says that there is no database. */
function engines(now: string, t: (k: string) => string): [string, string][] {
  const list = ['PostgreSQL', 'MySQL', 'MariaDB', 'Oracle', 'SQL Server', 'MongoDB'];
  if (now && now !== 'none' && !list.includes(now)) list.push(now);
  return [['', t('systems.engineUnset')], ['none', t('systems.engineNone')], ...list.map((x): [string, string] => [x, x])];
}

/** Declares or changes a system. */
export function SystemForm({
  system,
  onClose,
  onDone,
}: {
  system?: SystemDetail;
  onClose: () => void;
  onDone: (id: string) => void;
}) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const units = useQuery({ queryKey: ['units'], queryFn: () => take(client.GET('/api/units')), staleTime: 300_000 });
  const [f, setF] = useState({
    name: system?.name ?? '',
    unit: system?.unit?.id ?? '',
    operator: system?.operator?.id ?? '',
    // not chosen for anybody: the level decides what the law asks for
    level: system ? String(system.level) : '',
    // what a declared system lacks stays open: a default would be saved as if somebody had chosen it
    basis: system ? (system.basis ?? '') : 'tcvn11930',
    placement: system ? (system.placement ?? '') : 'data_centre',
    dossier: system ? (system.dossier ?? '') : 'drafting',
    engine: system?.engine ?? '',
  });
  const set = (k: keyof typeof f) => (v: string) => setF({ ...f, [k]: v });
  const check = () => {
    if (!f.name.trim()) {
      document.querySelector<HTMLElement>('#sys-name')?.focus();
      return t('systems.nameEmpty');
    }
    if (f.level === '') {
      document.querySelector<HTMLElement>('#sys-level')?.focus();
      return t('systems.chooseLevel');
    }
    return undefined;
  };
  const save = async () => {
    const body = {
      ...f,
      level: Number(f.level),
      plan: system ? (system.plan ?? '') : 'none',
      investing: system?.investing ?? false,
      version: system?.version ?? 0,
    } as never;
    const s = system
      ? await take(client.PUT('/api/systems/{id}', { params: { path: { id: system.id } }, body }))
      : await take(client.POST('/api/systems', { body }));
    queries.invalidateQueries({ queryKey: ['systems'] });
    queries.invalidateQueries({ queryKey: ['system'] });
    onDone((s as { id: string }).id);
    onClose();
  };
  const pick = (k: keyof typeof f, label: string, options: [string, string][]) => (
    <Choice
      id={`sys-${k}`}
      label={label}
      value={f[k]}
      onChange={set(k)}
      options={f[k] === '' && options[0]?.[0] !== '' ? [['', '–'], ...options] : options}
    />
  );
  const unitOptions: [string, string][] = [['', '–'], ...(units.data?.items ?? []).map((u): [string, string] => [u.id, u.name])];
  return (
    <FormSheet
      title={system ? t('systems.edit') : t('systems.add')}
      check={check}
      save={save}
      failed={t('systems.notSaved')}
      onClose={onClose}
    >
      <TextField id="sys-name" label={t('systems.name')} value={f.name} onChange={set('name')} maxLength={200} autoFocus />
      {pick('unit', t('systems.owner'), unitOptions)}
      {pick('operator', t('systems.operator'), unitOptions)}
      <Unread list={units} what="units" />
      {pick('level', t('systems.level'), [
        ...(system ? [] : [['', t('systems.levelOpen')] as [string, string]]),
        ...[0, 1, 2, 3, 4, 5].map((n): [string, string] => [String(n), n ? t('levelShort', { n }) : t('systems.noLevel')]),
      ])}
      {pick('basis', t('systems.basis'), [
        ['tcvn11930', 'TCVN 11930:2017'],
        ['tcvn14423', 'TCVN 14423:2026'],
      ])}
      {pick(
        'placement',
        t('systems.placement'),
        ['data_centre', 'cloud', 'internet'].map((p) => [p, t(`placement.${p}`)]),
      )}
      {pick(
        'dossier',
        t('systems.dossier'),
        ['drafting', 'submitted', 'appraised', 'approved'].map((p) => [p, t(`dossier.${p}`)]),
      )}
      {pick('engine', t('systems.engine'), engines(f.engine, t))}
    </FormSheet>
  );
}
