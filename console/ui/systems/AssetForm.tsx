import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { Choice, TextField } from '../design/fields';
import { given } from '../design/useCursor';
import { FormSheet } from '../frame/FormSheet';

export interface AssetSeen {
  id: string;
  host: string;
  address?: string | undefined;
  zone?: string | undefined;
  kind?: string | undefined;
  version: number;
}

const zones = ['border', 'dmz', 'internal', 'database', 'management'];
const kinds = ['server', 'workstation', 'firewall'];

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
  const set = (k: keyof typeof f) => (v: string) => setF({ ...f, [k]: v });
  const save = async () => {
    const typed = given(Object.fromEntries(Object.entries(f).map(([k, v]) => [k, v.trim()])));
    const body = { system, ...typed, ...(asset ? { version: asset.version } : {}) };
    if (asset) await take(client.PUT('/api/assets/{id}', { params: { path: { id: asset.id } }, body }));
    else await take(client.POST('/api/assets', { body }));
    onDone();
    onClose();
  };
  // what was entered otherwise stays one of the choices
  const options = (list: string[], now: string, words: string): [string, string][] =>
    ['', ...new Set([...list, ...(now ? [now] : [])])].map((v) => [v, v ? t(`${words}.${v}`, v) : t('assets.unset')]);
  return (
    <FormSheet
      title={asset ? t('assets.edit', { id: asset.id }) : t('assets.add')}
      check={() => (f.host.trim() || f.address.trim() ? undefined : t('assets.hostOrAddress'))}
      save={save}
      failed={t('assets.notSaved')}
      onClose={onClose}
    >
      <TextField
        id="asset-host"
        label={t('sources.host')}
        machine
        value={f.host}
        onChange={set('host')}
        maxLength={253}
        autoFocus
      />
      <TextField
        id="asset-address"
        label={t('assets.address')}
        machine
        value={f.address}
        onChange={set('address')}
        maxLength={64}
      />
      <Choice
        id="asset-zone"
        label={t('systems.zone')}
        value={f.zone}
        onChange={set('zone')}
        options={options(zones, f.zone, 'zone')}
      />
      <Choice
        id="asset-kind"
        label={t('column.kind')}
        value={f.kind}
        onChange={set('kind')}
        options={options(kinds, f.kind, 'assetKind')}
      />
    </FormSheet>
  );
}
