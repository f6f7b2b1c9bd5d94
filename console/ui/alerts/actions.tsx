import { useQueryClient } from '@tanstack/react-query';
import { Button } from 'antd';
import { useCallback, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type AlertActionBody, type AlertItem, ProblemError } from '../api/client';
import { problemText } from '../design/states';
import { toast } from '../design/toast';
import { age } from '../format/time';
import { statusKey } from '../frame/Frame';
import { Overlay } from '../frame/Overlay';
import { serverNow } from '../live/clock';
import { useLang } from '../session/preferences';
import { act, patch, undo } from './data';
import { AssignSheet, CloseSheet, NoteSheet } from './sheets';

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
