import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { Choice, TextField } from '../design/fields';
import { DemoChip } from '../design/signs';
import { Empty, Failed, Loading } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Exact } from '../design/Time';
import { number } from '../format/number';
import { FormSheet } from '../frame/FormSheet';
import { useView } from '../frame/url';
import { useLang } from '../session/preferences';
import { useMay } from '../session/session';
import { Keeping } from '../systems/Keeping';

const kinds = ['department', 'commune', 'police', 'other'] as const;
type Kind = (typeof kinds)[number];
interface Unit {
  id: string;
  name: string;
  kind: Kind;
  systems: number;
  demo?: boolean;
  retired?: string | null;
  version: number;
}

/** The bodies of the province that own and operate systems. */
export function Units() {
  const { t } = useTranslation();
  const lang = useLang();
  const queries = useQueryClient();
  const may = useMay('inventory.write');
  const [params, change] = useView();
  const retired = params.get('retired') === 'yes';
  const list = useQuery({
    queryKey: ['units', retired],
    queryFn: () => take(client.GET('/api/units', { params: { query: retired ? { retired } : {} } })),
  });
  const [form, setForm] = useState<Unit | 'new' | null>(null);
  const [keeping, setKeeping] = useState<Unit | null>(null);
  const refresh = () => queries.invalidateQueries({ queryKey: ['units'] });
  if (list.isPending) return <Loading what="units" />;
  if (!list.data) return <Failed error={list.error} what="units" retry={() => list.refetch()} />;
  const items = list.data.items as Unit[];
  return (
    <section className="card">
      <div className="card-head">
        <h2>{t('admin.section.units')}</h2>
        <span className="num muted">{number(items.length, lang)}</span>
        <label className="check small">
          <input type="checkbox" checked={retired} onChange={(e) => change({ retired: e.target.checked ? 'yes' : undefined })} />{' '}
          {t('keeping.onlyRetired')}
        </label>
        <div className="end">{may && <Button onClick={() => setForm('new')}>{t('units.add')}</Button>}</div>
      </div>
      {items.length === 0 ? (
        <Empty>{t(retired ? 'keeping.noRetired' : 'units.empty')}</Empty>
      ) : (
        <TableWrap label={t('admin.section.units')}>
          <table className="plain">
            <thead>
              <tr>
                <th>{t('units.name')}</th>
                <th>{t('column.kind')}</th>
                <th className="right">{t('page.systems')}</th>
                {retired && <th>{t('keeping.since')}</th>}
                {may && (
                  <th>
                    <span className="sr">{t('admin.actions')}</span>
                  </th>
                )}
              </tr>
            </thead>
            <tbody>
              {items.map((u) => (
                <tr key={u.id}>
                  <td>
                    {u.name} <span className="num muted">{u.id}</span> <DemoChip demo={u.demo} />
                  </td>
                  <td>{t(`unitKind.${u.kind}`)}</td>
                  <td className="num right">{number(u.systems, lang)}</td>
                  {retired && (
                    <td>
                      <Exact at={u.retired} short />
                    </td>
                  )}
                  {may && (
                    <td>
                      <span className="row">
                        {!u.retired && (
                          <button type="button" className="link" onClick={() => setForm(u)}>
                            {t('admin.change')}
                          </button>
                        )}
                        <button type="button" className="link" onClick={() => setKeeping(u)}>
                          {t(u.retired ? 'keeping.openBack' : 'keeping.open')}
                        </button>
                      </span>
                    </td>
                  )}
                </tr>
              ))}
            </tbody>
          </table>
        </TableWrap>
      )}
      {form && <UnitForm {...(form === 'new' ? {} : { unit: form })} onClose={() => setForm(null)} onDone={refresh} />}
      {keeping && <Keeping thing={{ ...keeping, kind: 'units' }} onClose={() => setKeeping(null)} onDone={refresh} />}
    </section>
  );
}

function UnitForm({ unit, onClose, onDone }: { unit?: Unit; onClose: () => void; onDone: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(unit?.name ?? '');
  const [kind, setKind] = useState<string>(unit?.kind ?? 'department');
  const save = async () => {
    const body = { name: name.trim(), kind: kind as Kind };
    if (unit)
      await take(client.PUT('/api/units/{id}', { params: { path: { id: unit.id } }, body: { ...body, version: unit.version } }));
    else await take(client.POST('/api/units', { body }));
    onDone();
    onClose();
  };
  return (
    <FormSheet
      title={unit ? t('units.edit', { id: unit.id }) : t('units.add')}
      check={() => (name.trim() ? undefined : t('units.nameEmpty'))}
      save={save}
      failed={t('units.notSaved')}
      onClose={onClose}
    >
      <TextField id="unit-name" label={t('units.name')} value={name} onChange={setName} maxLength={200} autoFocus />
      <Choice
        id="unit-kind"
        label={t('column.kind')}
        value={kind}
        onChange={setKind}
        options={kinds.map((k) => [k, t(`unitKind.${k}`)] as const)}
      />
    </FormSheet>
  );
}
