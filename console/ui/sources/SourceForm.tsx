import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type SourceItem, take } from '../api/client';
import { Choice, TextField } from '../design/fields';
import { Unread } from '../design/states';
import { given } from '../design/useCursor';
import { FormSheet } from '../frame/FormSheet';
import { Lines } from './Lines';

export function SourceForm({ source, onClose, onDone }: { source?: SourceItem; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const queries = useQueryClient();
  const systems = useQuery({
    queryKey: ['systems', 'names'],
    queryFn: () => take(client.GET('/api/systems', { params: { query: { limit: 500 } } })),
    staleTime: 300_000,
  });
  const [f, setF] = useState({
    name: source?.name ?? '',
    kind: source?.kind ?? 'syslog',
    system: source?.system?.id ?? '',
    address: source?.address ?? '',
    host: source?.host ?? '',
    dataset: source?.dataset ?? '',
  });
  const [layers, setLayers] = useState<string[]>(source?.layers ?? []);
  const set = (k: keyof typeof f) => (v: string) => setF({ ...f, [k]: v });
  const save = async () => {
    const body = { ...given(f), layers, version: source?.version ?? 0 } as never;
    if (source) await take(client.PUT('/api/sources/{id}', { params: { path: { id: source.id } }, body }));
    else await take(client.POST('/api/sources', { body }));
    queries.invalidateQueries({ queryKey: ['status'] });
    onDone();
    onClose();
  };
  return (
    <FormSheet
      title={source ? t('sources.edit') : t('sources.add')}
      width={520}
      ready={f.name.trim() !== ''}
      save={save}
      failed={t('sources.notSaved')}
      onClose={onClose}
    >
      <TextField id="src-name" label={t('sources.name')} value={f.name} onChange={set('name')} autoFocus maxLength={200} />
      <Choice
        id="src-kind"
        label={t('column.kind')}
        value={f.kind}
        onChange={set('kind')}
        options={['syslog', 'bulk', 'import', 'sensor'].map((k) => [k, t(`sourceKind.${k}`)] as const)}
      />
      <Unread list={systems} what="systems" />
      <Choice
        id="src-system"
        label={t('column.system')}
        value={f.system}
        onChange={set('system')}
        options={[['', t('sources.bySender')], ...(systems.data?.items ?? []).map((s) => [s.id, `${s.id} ${s.name}`] as const)]}
      />
      <TextField
        id="src-address"
        label={t('sources.from')}
        machine
        value={f.address}
        onChange={set('address')}
        placeholder="10.20.1.7"
        maxLength={64}
      />
      <TextField id="src-host" label={t('sources.host')} machine value={f.host} onChange={set('host')} maxLength={255} />
      <fieldset className="layers-field">
        <legend className="label">{t('systems.layersOf')}</legend>
        {['network', 'application', 'database', 'endpoint'].map((l) => (
          <label key={l}>
            <input
              type="checkbox"
              checked={layers.includes(l)}
              onChange={(e) => setLayers(e.target.checked ? [...layers, l] : layers.filter((x) => x !== l))}
            />{' '}
            {t(`layer.${l}`)}
          </label>
        ))}
      </fieldset>
      {f.kind === 'syslog' && !source && <Lines />}
    </FormSheet>
  );
}
