import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { client, type EndpointItem, take } from '../api/client';
import { TextField } from '../design/fields';
import { Failed, Loading, problemText } from '../design/states';
import { Pre } from '../design/TableWrap';
import { Exact } from '../design/Time';
import { toast } from '../design/toast';
import { CopyEvidence, Evidence } from '../evidence/Evidence';
import { FormSheet } from '../frame/FormSheet';
import { useLang } from '../session/preferences';
import { useMay } from '../session/session';

export function Endpoint({ destination }: { destination: number }) {
  const { t } = useTranslation();
  const may = useMay('national.endpoint');
  const [add, setAdd] = useState(false);
  const endpoint = useQuery({
    queryKey: ['endpoint', destination],
    queryFn: () => take(client.GET('/api/national/endpoint', { params: { query: { destination } } })),
  });
  if (endpoint.isPending) return <Loading what="national" />;
  if (!endpoint.data) return <Failed error={endpoint.error} what="national" retry={() => endpoint.refetch()} />;
  return (
    <div className="page-body scroll">
      <EndpointForm
        key={add ? 'add' : endpoint.data.version}
        e={add ? { channels: endpoint.data.channels, channel: '', url: '', version: 0 } : endpoint.data}
        add={add}
        may={may}
        onDone={() => {
          setAdd(false);
          endpoint.refetch();
        }}
      />
      {may && endpoint.data.url && (
        <p>
          <Button onClick={() => setAdd(!add)}>{t(add ? 'national.addCancel' : 'national.add')}</Button>{' '}
          <span className="muted small">{t('national.addHint')}</span>
        </p>
      )}
      {endpoint.data.certificate && (
        <section className="card">
          <h2>{t('national.certificate')}</h2>
          <p className="muted small">{t('national.certificateHint')}</p>
          <Pre label={t('national.certificate')}>
            <Evidence value={endpoint.data.certificate} mode="detail" />
          </Pre>
          <CopyEvidence value={endpoint.data.certificate} />
        </section>
      )}
    </div>
  );
}

function EndpointForm({ e, add, may, onDone }: { e: EndpointItem; add: boolean; may: boolean; onDone: () => void }) {
  const { t } = useTranslation();
  const lang = useLang();
  const queries = useQueryClient();
  const [f, setF] = useState({
    url: e.url,
    channel: e.channel || (e.channels[0]?.name ?? ''),
    organisation: e.organisation ?? '',
    authorities: e.authorities ?? '',
    receipt_key: e.receipt_key ?? '',
    reason: '',
  });
  const channel = e.channels.find((c) => c.name === f.channel);
  const [sheet, setSheet] = useState(false);
  const [error, setError] = useState('');
  const set = (k: keyof typeof f) => (x: { target: { value: string } }) => {
    setError('');
    setF({ ...f, [k]: x.target.value });
  };
  const save = async () => {
    try {
      await take(
        client.PUT('/api/national/endpoint', {
          body: { ...f, url: f.url.trim(), version: e.version, destination: e.destination ?? 0, add },
        }),
      );
      setSheet(false);
      toast({ text: t('national.saved') });
      queries.invalidateQueries({ queryKey: ['national'] });
      onDone();
    } catch (x) {
      setSheet(false);
      setError(problemText(x, t('national.notSaved')));
    }
  };
  const changed = (['url', 'channel', 'organisation', 'authorities', 'receipt_key'] as const).filter(
    (k) => f[k] !== (e[k] || (k === 'channel' ? (e.channels[0]?.name ?? '') : '')),
  );
  return (
    <section className="card">
      <form
        className="form"
        onSubmit={(x: FormEvent) => {
          x.preventDefault();
          setSheet(true);
        }}
      >
        <h2>{t('national.tab.endpoint')}</h2>
        {!e.url && <p className="banner banner-info">{t('national.empty')}</p>}
        <div>
          <label htmlFor="ep-url">{t('national.url')}</label>
          <Input
            id="ep-url"
            className="num"
            value={f.url}
            onChange={set('url')}
            placeholder="https://"
            disabled={!may}
            maxLength={400}
          />
        </div>
        <div>
          <label htmlFor="ep-channel">{t('national.channel')}</label>
          <select id="ep-channel" className="select" value={f.channel} onChange={set('channel')} disabled={!may}>
            {e.channels.map((c) => (
              <option key={c.name} value={c.name}>
                {c.title[lang] ?? c.name}
              </option>
            ))}
          </select>
          {channel && (
            <p className="hint">
              {[
                t(`national.receipts.${channel.receipts}`),
                !channel.heartbeats && t('national.noHeartbeat'),
                !channel.reconciles && t('national.day.no_list'),
              ]
                .filter(Boolean)
                .join('; ')}
            </p>
          )}
        </div>
        <div>
          <label htmlFor="ep-org">{t('national.organisation')}</label>
          <Input id="ep-org" value={f.organisation} onChange={set('organisation')} disabled={!may} maxLength={64} />
        </div>
        <div>
          <label htmlFor="ep-ca">{t('national.authorities')}</label>
          <Input.TextArea
            id="ep-ca"
            className="num"
            rows={4}
            value={f.authorities}
            onChange={set('authorities')}
            disabled={!may}
            spellCheck={false}
          />
        </div>
        <div hidden={channel !== undefined && channel.receipts !== 'signed'}>
          <label htmlFor="ep-key">{t('national.receiptKey')}</label>
          <Input.TextArea
            id="ep-key"
            className="num"
            rows={3}
            value={f.receipt_key}
            onChange={set('receipt_key')}
            disabled={!may}
            spellCheck={false}
          />
        </div>
        {e.changed && (
          <p className="hint">
            {t('national.changedBy', { who: e.by ?? '' })} <Exact at={e.changed} />
          </p>
        )}
        {error && (
          <p className="banner banner-danger" role="alert">
            {error}
          </p>
        )}
        {may ? (
          <div>
            <Button type="primary" htmlType="submit" disabled={changed.length === 0}>
              {t('national.set')}
            </Button>
          </div>
        ) : (
          <p className="hint">{t('national.adminOnly')}</p>
        )}
      </form>
      {sheet && (
        <FormSheet
          title={t(e.url || !f.url ? 'national.sheet' : 'national.set')}
          action={
            <>
              {f.url ? t('national.set') : t('national.stop')} <kbd>Ctrl ⏎</kbd>
            </>
          }
          save={save}
          failed={t('national.notSaved')}
          onClose={() => setSheet(false)}
        >
          <p>{f.url ? t('national.sheetTo') : t('national.sheetStop')}</p>
          {f.url && <Evidence value={f.url} mode="detail" />}
          <p className="muted small">
            {t('national.sheetChanged', { list: changed.map((k) => t(`national.field.${k}`)).join(', ') })}
          </p>
          <TextField
            id="ep-reason"
            label={t('sources.reason')}
            value={f.reason}
            onChange={(reason) => setF({ ...f, reason })}
            maxLength={400}
            autoFocus
          />
        </FormSheet>
      )}
    </section>
  );
}
