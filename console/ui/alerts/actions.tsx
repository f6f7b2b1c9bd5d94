import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, Input } from 'antd';
import type { TFunction } from 'i18next';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AlertActionBody, type AlertItem, client, ProblemError, take } from '../api/client';
import { problemText } from '../design/states';
import { toast } from '../design/toast';
import { age } from '../format/time';
import { statusKey } from '../frame/Frame';
import { Overlay } from '../frame/Overlay';
import { useKeys } from '../keys/useKeys';
import { serverNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { act, patch, type Reason, reasons, undo } from './data';

type Sheet =
  | { kind: 'close'; alerts: AlertItem[] }
  | { kind: 'note'; alerts: AlertItem[] }
  | { kind: 'assign'; alerts: AlertItem[] }
  | { kind: 'take'; alerts: AlertItem[]; by: string; at: string | null | undefined }
  | null;

/** What a duty officer does to alerts: at once, with an undo of ten seconds. */
export function useActions(opts: { onDone?: (action: string, done: AlertItem[]) => void } = {}) {
  const queries = useQueryClient();
  const { t } = useTranslation();
  const lang = useLang();
  const [sheet, setSheet] = useState<Sheet>(null);
  const [busy, setBusy] = useState(false);
  const { onDone } = opts;

  const run = useCallback(
    async (body: Omit<AlertActionBody, 'alerts'>, alerts: AlertItem[]) => {
      if (alerts.length === 0) return false;
      setBusy(true);
      try {
        const r = await act({
          ...body,
          alerts: alerts.map((a) => ({ id: a.id, version: body.action === 'note' ? 0 : a.version })),
        });
        patch(queries, [...r.done, ...r.conflicts.map((c) => c.current)]);
        for (const a of r.done) queries.invalidateQueries({ queryKey: ['alert', a.id] });
        queries.invalidateQueries({ queryKey: statusKey });
        const conflict = r.conflicts[0];
        if (conflict && body.action === 'acknowledge' && r.done.length === 0) {
          setSheet({ kind: 'take', alerts: r.conflicts.map((c) => c.current), by: conflict.by, at: conflict.at });
          return false;
        }
        if (conflict) toast({ kind: 'error', text: conflict.text || t('alerts.conflict', { n: r.conflicts.length }) });
        if (r.done.length > 0) {
          const what =
            body.action === 'close'
              ? t('alerts.didClose', { count: r.done.length, reason: t(`reason.${body.reason}`).toLowerCase() })
              : t(`alerts.did.${body.action}`, { count: r.done.length });
          const token = r.undo;
          if (!conflict)
            toast({
              text: what,
              ...(token
                ? {
                    undo: () => {
                      undo(token)
                        .then((u) => {
                          patch(queries, u.done);
                          for (const a of u.done) queries.invalidateQueries({ queryKey: ['alert', a.id] });
                          queries.invalidateQueries({ queryKey: statusKey });
                          toast({ text: t('alerts.undone', { count: u.done.length }) });
                        })
                        .catch((e: unknown) => toast({ kind: 'error', text: problemText(e, t('alerts.undoFailed')) }));
                    },
                  }
                : {}),
            });
          onDone?.(body.action, r.done);
        }
        return true;
      } catch (e) {
        toast({ kind: 'error', text: problemText(e, t('alerts.actFailed', { code: e instanceof ProblemError ? e.code : '' })) });
        return false;
      } finally {
        setBusy(false);
      }
    },
    [queries, t, onDone],
  );

  const close = () => setSheet(null);
  const node = !sheet ? null : sheet.kind === 'close' ? (
    <CloseSheet
      alerts={sheet.alerts}
      onClose={close}
      onDone={(reason, note) => {
        close();
        run({ action: 'close', reason, ...(note ? { note } : {}) }, sheet.alerts);
      }}
    />
  ) : sheet.kind === 'note' ? (
    <NoteSheet
      alerts={sheet.alerts}
      onClose={close}
      onDone={async (note) => {
        if (await run({ action: 'note', note }, sheet.alerts)) close();
      }}
    />
  ) : sheet.kind === 'assign' ? (
    <AssignSheet
      alerts={sheet.alerts}
      onClose={close}
      onDone={(holder) => {
        close();
        run({ action: 'assign', holder }, sheet.alerts);
      }}
    />
  ) : (
    <Overlay title={t('alerts.takeTitle')} onClose={close} width={420}>
      <div className="overlay-body">
        <p>{t('alerts.takeOver', { who: sheet.by, age: age(sheet.at, serverNow(), lang) })}</p>
        <div className="row" style={{ marginTop: 12 }}>
          <Button
            type="primary"
            autoFocus
            onClick={() => {
              close();
              run({ action: 'acknowledge', take: true }, sheet.alerts);
            }}
          >
            {t('alerts.take')}
          </Button>
          <Button onClick={close}>{t('act.back')}</Button>
        </div>
      </div>
    </Overlay>
  );

  return {
    node,
    busy,
    acknowledge: (alerts: AlertItem[]) => run({ action: 'acknowledge' }, alerts),
    reopen: (alerts: AlertItem[]) => run({ action: 'reopen' }, alerts),
    note: (alerts: AlertItem[], text: string) => run({ action: 'note', note: text }, alerts),
    openClose: (alerts: AlertItem[]) => alerts.length > 0 && setSheet({ kind: 'close', alerts }),
    openNote: (alerts: AlertItem[]) => alerts.length > 0 && setSheet({ kind: 'note', alerts }),
    openAssign: (alerts: AlertItem[]) => alerts.length > 0 && setSheet({ kind: 'assign', alerts }),
  };
}

function subject(alerts: AlertItem[], t: TFunction): string {
  return alerts.length === 1 ? (alerts[0]?.number ?? '') : t('alerts.nAlerts', { count: alerts.length });
}

/** Six reasons, one key each; a note is asked for where the reason does not speak for itself. */
function CloseSheet({
  alerts,
  onClose,
  onDone,
}: {
  alerts: AlertItem[];
  onClose: () => void;
  onDone: (r: Reason, note: string) => void;
}) {
  const { t } = useTranslation();
  const [asked, setAsked] = useState<Reason | null>(null);
  const [note, setNote] = useState('');
  const critical = alerts.some((a) => a.severity === 'critical');
  const choose = (r: Reason) => {
    if (critical || r === 'inconclusive') setAsked(r);
    else onDone(r, '');
  };
  useKeys(
    reasons.map((r, i) => ({ keys: [String(i + 1)], label: `reason${i + 1}`, act: () => choose(r) })),
    { on: !asked, mode: 'menu' },
  );
  return (
    <Overlay title={t('alerts.closeTitle', { what: subject(alerts, t) })} onClose={onClose} width={440}>
      <div className="overlay-body">
        {!asked ? (
          <>
            <ul className="reasons">
              {reasons.map((r, i) => (
                <li key={r}>
                  <button
                    type="button"
                    className="reason"
                    onClick={() => choose(r)}
                    autoFocus={i === 0}
                    aria-keyshortcuts={String(i + 1)}
                  >
                    <kbd>{i + 1}</kbd> {t(`reason.${r}`)}
                  </button>
                </li>
              ))}
            </ul>
            {critical && <p className="muted small">{t('alerts.noteCritical')}</p>}
          </>
        ) : (
          <div className="form">
            <p className="strong">{t(`reason.${asked}`)}</p>
            <div>
              <label htmlFor="close-note">{asked === 'inconclusive' ? t('alerts.noteWhy') : t('alerts.noteDone')}</label>
              <Input.TextArea
                id="close-note"
                rows={3}
                autoFocus
                value={note}
                onChange={(e) => setNote(e.target.value)}
                onKeyDown={(e) => {
                  if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && note.trim()) onDone(asked, note.trim());
                }}
              />
            </div>
            <div className="row">
              <Button type="primary" disabled={!note.trim()} onClick={() => onDone(asked, note.trim())}>
                {t('alerts.closeNow')} <kbd>Ctrl ⏎</kbd>
              </Button>
              <Button onClick={() => setAsked(null)}>{t('act.back')}</Button>
            </div>
          </div>
        )}
      </div>
    </Overlay>
  );
}

function NoteSheet({ alerts, onClose, onDone }: { alerts: AlertItem[]; onClose: () => void; onDone: (note: string) => void }) {
  const { t } = useTranslation();
  const [note, setNote] = useState('');
  const done = () => note.trim() && onDone(note.trim());
  return (
    <Overlay title={`${t('act.note')} ${subject(alerts, t)}`} onClose={onClose} width={480}>
      <div className="overlay-body form">
        <div>
          <label htmlFor="note">{t('alerts.noteText')}</label>
          <Input.TextArea
            id="note"
            rows={4}
            autoFocus
            maxLength={4000}
            value={note}
            onChange={(e) => setNote(e.target.value)}
            onKeyDown={(e) => {
              if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) done();
            }}
          />
          <p className="hint">{t('alerts.noteOnly')}</p>
        </div>
        <div className="row">
          <Button type="primary" disabled={!note.trim()} onClick={done}>
            {t('act.save')} <kbd>Ctrl ⏎</kbd>
          </Button>
          <Button onClick={onClose}>{t('act.back')}</Button>
        </div>
      </div>
    </Overlay>
  );
}

function AssignSheet({
  alerts,
  onClose,
  onDone,
}: {
  alerts: AlertItem[];
  onClose: () => void;
  onDone: (holder: string) => void;
}) {
  const { t } = useTranslation();
  const people = useQuery({ queryKey: ['people'], queryFn: () => take(client.GET('/api/people')) });
  return (
    <Overlay title={t('alerts.assignTitle', { what: subject(alerts, t) })} onClose={onClose} width={400}>
      <div className="overlay-body">
        <ul className="reasons">
          {(people.data?.items ?? []).map((p, i) => (
            <li key={p.id}>
              <button type="button" className="reason" onClick={() => onDone(p.id)} autoFocus={i === 0}>
                {p.name || p.id}
              </button>
            </li>
          ))}
        </ul>
        {people.isError && <p className="muted">{problemText(people.error, t('state.failed', { what: t('noun.people') }))}</p>}
        {people.data && people.data.items.length === 0 && <p className="muted">{t('alerts.noPeople')}</p>}
      </div>
    </Overlay>
  );
}
