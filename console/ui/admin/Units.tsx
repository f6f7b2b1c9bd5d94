import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, take } from '../api/client';
import { DemoChip } from '../design/signs';
import { Empty, Failed, Loading, problemText } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Exact } from '../design/Time';
import { number } from '../format/number';
import { Overlay } from '../frame/Overlay';
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
  const [kind, setKind] = useState<Kind>(unit?.kind ?? 'department');
  const [error, setError] = useState('');
  const submit = async (e: FormEvent) => {
    e.preventDefault();
    if (!name.trim()) {
      setError(t('units.nameEmpty'));
      return;
    }
    const body = { name: name.trim(), kind };
    try {
      if (unit)
        await take(
          client.PUT('/api/units/{id}', { params: { path: { id: unit.id } }, body: { ...body, version: unit.version } }),
        );
      else await take(client.POST('/api/units', { body }));
      onDone();
      onClose();
    } catch (x) {
      setError(problemText(x, t('units.notSaved')));
    }
  };
  return (
    <Overlay title={unit ? t('units.edit', { id: unit.id }) : t('units.add')} onClose={onClose} width={480}>
      <form className="overlay-body form" onSubmit={submit} noValidate>
        <div>
          <label htmlFor="unit-name">{t('units.name')}</label>
          <Input id="unit-name" value={name} maxLength={200} autoFocus onChange={(e) => setName(e.target.value)} />
        </div>
        <div>
          <label htmlFor="unit-kind">{t('column.kind')}</label>
          <select id="unit-kind" className="select" value={kind} onChange={(e) => setKind(e.target.value as Kind)}>
            {kinds.map((k) => (
              <option key={k} value={k}>
                {t(`unitKind.${k}`)}
              </option>
            ))}
          </select>
        </div>
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        <div className="row">
          <Button type="primary" htmlType="submit">
            {t('act.save')}
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </form>
    </Overlay>
  );
}
