import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { problemText } from '../design/states';
import { Overlay } from '../frame/Overlay';

export interface AssetSeen {
  id: string;
  host: string;
  address?: string | undefined;
  zone?: string | undefined;
  kind?: string | undefined;
  version: number;
}

/** Declares a machine of a system, or changes one. */
export function AssetForm({
  system,
  asset,
  onClose,
  onDone,
}: {
  system: string;
  asset?: AssetSeen;
  onClose: () => void;
  onDone: () => void;
}) {
  const { t } = useTranslation();
  const [f, setF] = useState({
    host: asset?.host ?? '',
    address: asset?.address ?? '',
    zone: asset?.zone ?? '',
    kind: asset?.kind ?? '',
  });
  const [error, setError] = useState('');
  const [busy, setBusy] = useState(false);
  const set = (k: keyof typeof f) => (e: { target: { value: string } }) => setF({ ...f, [k]: e.target.value });
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (!f.host.trim() && !f.address.trim()) {
      setError(t('assets.hostOrAddress'));
      return;
    }
    setBusy(true);
    setError('');
    const body = {
      system,
      ...Object.fromEntries(Object.entries(f).flatMap(([k, v]) => (v.trim() ? [[k, v.trim()]] : []))),
      ...(asset ? { version: asset.version } : {}),
    };
    try {
      if (asset) await take(client.PUT('/api/assets/{id}', { params: { path: { id: asset.id } }, body }));
      else await take(client.POST('/api/assets', { body }));
      onDone();
      onClose();
    } catch (x) {
      setError(problemText(x, t('assets.notSaved')));
    } finally {
      setBusy(false);
    }
  };
  const pick = (k: 'zone' | 'kind', label: string, values: string[], words: string) => (
    <div>
      <label htmlFor={`asset-${k}`}>{label}</label>
      <select id={`asset-${k}`} className="select" value={f[k]} onChange={set(k)}>
        {['', ...new Set([...values, ...(f[k] ? [f[k]] : [])])].map((v) => (
          <option key={v} value={v}>
            {v ? t(`${words}.${v}`, v) : t('assets.unset')}
          </option>
        ))}
      </select>
    </div>
  );
  return (
    <Overlay title={asset ? t('assets.edit', { id: asset.id }) : t('assets.add')} onClose={onClose} width={480}>
      <form className="overlay-body form" onSubmit={submit} noValidate>
        <div>
          <label htmlFor="asset-host">{t('sources.host')}</label>
          <Input id="asset-host" className="num" value={f.host} onChange={set('host')} maxLength={253} autoFocus />
        </div>
        <div>
          <label htmlFor="asset-address">{t('assets.address')}</label>
          <Input id="asset-address" className="num" value={f.address} onChange={set('address')} maxLength={64} />
        </div>
        {pick('zone', t('systems.zone'), ['border', 'dmz', 'internal', 'database', 'management'], 'zone')}
        {pick('kind', t('column.kind'), ['server', 'workstation', 'firewall'], 'assetKind')}
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div className="row">
          <Button type="primary" htmlType="submit" loading={busy}>
            {t('act.save')}
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </form>
    </Overlay>
  );
}
