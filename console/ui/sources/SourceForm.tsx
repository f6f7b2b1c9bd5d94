import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type SourceItem, take } from '../api/client';
import { problemText } from '../design/states';
import { given } from '../design/useCursor';
import { Overlay } from '../frame/Overlay';
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
  const [error, setError] = useState('');
  const set = (k: keyof typeof f) => (e: { target: { value: string } }) => setF({ ...f, [k]: e.target.value });
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    const body = { ...given(f), layers, version: source?.version ?? 0 } as never;
    try {
      if (source) await take(client.PUT('/api/sources/{id}', { params: { path: { id: source.id } }, body }));
      else await take(client.POST('/api/sources', { body }));
      queries.invalidateQueries({ queryKey: ['status'] });
      onDone();
      onClose();
    } catch (x) {
      setError(problemText(x, t('sources.notSaved')));
    }
  };
  return (
    <Overlay title={source ? t('sources.edit') : t('sources.add')} onClose={onClose} width={520}>
      <form className="overlay-body form" onSubmit={submit}>
        <div>
          <label htmlFor="src-name">{t('sources.name')}</label>
          <Input id="src-name" value={f.name} onChange={set('name')} required autoFocus maxLength={200} />
        </div>
        <div>
          <label htmlFor="src-kind">{t('column.kind')}</label>
          <select id="src-kind" className="select" value={f.kind} onChange={set('kind')}>
            {['syslog', 'bulk', 'import', 'sensor'].map((k) => (
              <option key={k} value={k}>
                {t(`sourceKind.${k}`)}
              </option>
            ))}
          </select>
        </div>
        <div>
          <label htmlFor="src-system">{t('column.system')}</label>
          <select id="src-system" className="select" value={f.system} onChange={set('system')}>
            <option value="">{t('sources.bySender')}</option>
            {(systems.data?.items ?? []).map((s) => (
              <option key={s.id} value={s.id}>
                {s.id} {s.name}
              </option>
            ))}
          </select>
        </div>
        <div>
          <label htmlFor="src-address">{t('sources.from')}</label>
          <Input
            id="src-address"
            className="num"
            value={f.address}
            onChange={set('address')}
            placeholder="10.20.1.7"
            maxLength={64}
          />
        </div>
        <div>
          <label htmlFor="src-host">{t('sources.host')}</label>
          <Input id="src-host" className="num" value={f.host} onChange={set('host')} maxLength={255} />
        </div>
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
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div className="row">
          <Button type="primary" htmlType="submit" disabled={!f.name.trim()}>
            {t('act.save')}
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </form>
    </Overlay>
  );
}
