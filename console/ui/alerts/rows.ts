import type { AlertGroup, AlertItem } from '../api/client';

/** A row of the queue: an alert (in its group, where the queue is folded), or a group. */
export type Row = { kind: 'alert'; a: AlertItem; in?: string } | { kind: 'group'; g: AlertGroup; open: boolean };

export const keyOf = (r: Row) => (r.kind === 'alert' ? r.a.number : `group:${r.g.key}`);
