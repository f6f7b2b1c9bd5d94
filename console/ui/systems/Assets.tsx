import { Button } from 'antd';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { SystemDetail } from '../api/client';
import { Measured } from '../design/Measured';
import { DemoChip, SourceSign } from '../design/signs';
import { Empty } from '../design/states';
import { TableWrap } from '../design/TableWrap';
import { Age } from '../design/Time';
import { Evidence } from '../evidence/Evidence';
import { number } from '../format/number';
import { useLang } from '../session/preferences';
import { pageRight, useMay, useMe } from '../session/session';
import { measured, whyNoRate } from '../sources/measured';
import { AssetForm } from './AssetForm';
import { AssetImport } from './AssetImport';
import { Keeping, type Kept } from './Keeping';

export function Assets({ system, onChanged }: { system: SystemDetail; onChanged: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const me = useMe();
  const may = useMay('inventory.write');
  const [form, setForm] = useState<SystemDetail['assets'][number] | 'new' | null>(null);
  const [importing, setImporting] = useState(false);
  const [keeping, setKeeping] = useState<Kept | null>(null);
  return (
    <div className="page-body scroll">
      <section className="card">
        <h2>
          {t('systems.sources')} <span className="num muted">{system.sources.length}</span>
        </h2>
        {system.sources.length === 0 ? (
          <Empty>{t('systems.noSources')}</Empty>
        ) : (
          <TableWrap label={t('systems.sources')}>
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('column.state')}</th>
                  <th>{t('sources.source')}</th>
                  <th>{t('systems.layersOf')}</th>
                  <th className="right">{t('sources.rate')}</th>
                  <th>{t('column.last')}</th>
                </tr>
              </thead>
              <tbody>
                {system.sources.map((s) => (
                  <tr key={s.id}>
                    <td>
                      <SourceSign state={s.state} />
                    </td>
                    <td>
                      {pageRight(me, 'sources') !== undefined ? (
                        <Link to={`/sources?sel=${s.id}`}>
                          <Evidence value={s.name} name />
                        </Link>
                      ) : (
                        <Evidence value={s.name} name />
                      )}{' '}
                      <span className="num muted">{s.id}</span> <DemoChip demo={s.demo} />
                    </td>
                    <td>{s.layers.map((l) => t(`layer.${l}`)).join(', ') || '–'}</td>
                    <td className="right">
                      <Measured known={measured(s) && s.rate !== undefined} why={t(whyNoRate(s))}>
                        <span className="num">{number(s.rate ?? 0, lang)}</span>
                        {t('unit.perMinute')}
                      </Measured>
                    </td>
                    <td>
                      <Age at={s.last_event} />
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </TableWrap>
        )}
      </section>
      <section className="card">
        <div className="card-head">
          <h2>
            {t('systems.assets')} <span className="num muted">{system.assets.length}</span>
          </h2>
          {may && !system.retired && (
            <div className="end row">
              <Button onClick={() => setImporting(true)}>{t('assets.import')}</Button>
              <Button onClick={() => setForm('new')}>{t('assets.add')}</Button>
            </div>
          )}
        </div>
        {system.assets.length === 0 ? (
          <Empty>{t('systems.noAssets')}</Empty>
        ) : (
          <TableWrap label={t('systems.assets')}>
            <table className="plain">
              <thead>
                <tr>
                  <th>{t('field.host')}</th>
                  <th>{t('field.address')}</th>
                  <th>{t('systems.zone')}</th>
                  <th>{t('column.kind')}</th>
                  {may && (
                    <th>
                      <span className="sr">{t('admin.actions')}</span>
                    </th>
                  )}
                </tr>
              </thead>
              <tbody>
                {system.assets.map((a) => (
                  <tr key={a.id}>
                    <td>
                      <Evidence value={a.host} name /> <span className="num muted">{a.id}</span> <DemoChip demo={a.demo} />
                    </td>
                    <td>
                      <Evidence value={a.address ?? '–'} />
                    </td>
                    <td>{a.zone ? t(`zone.${a.zone}`, a.zone) : '–'}</td>
                    <td>{a.kind ? t(`assetKind.${a.kind}`, a.kind) : '–'}</td>
                    {may && (
                      <td>
                        <span className="row">
                          {!a.retired && (
                            <button type="button" className="link" onClick={() => setForm(a)}>
                              {t('admin.change')}
                            </button>
                          )}
                          <button
                            type="button"
                            className="link"
                            onClick={() =>
                              setKeeping({
                                kind: 'assets',
                                id: a.id,
                                name: a.host || a.address || a.id,
                                version: a.version,
                                retired: a.retired,
                              })
                            }
                          >
                            {t(a.retired ? 'keeping.openBack' : 'keeping.open')}
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
      </section>
      {form && (
        <AssetForm
          system={system.id}
          {...(form === 'new' ? {} : { asset: form })}
          onClose={() => setForm(null)}
          onDone={onChanged}
        />
      )}
      {importing && <AssetImport system={system.id} onClose={() => setImporting(false)} onDone={onChanged} />}
      {keeping && <Keeping thing={keeping} onClose={() => setKeeping(null)} onDone={onChanged} />}
    </div>
  );
}
