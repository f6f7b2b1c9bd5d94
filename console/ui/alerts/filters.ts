import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { rangeOf } from '../frame/url';
import { serverNow } from '../live/clock';
import { pageRight, useMe } from '../session/session';
import type { Filters } from './data';

/** What the address asks of the queue. Relative ranges are counted from the arrival on the page. */
export function useFilters(params: URLSearchParams) {
  const me = useMe();
  const [arrived] = useState(serverNow);
  const view = params.get('view') ?? 'open';
  const rangeName = params.get('t') ?? '';
  // who sees hosts, accounts and addresses masked cannot ask by them: the server refuses it, so it is not offered
  const masked = pageRight(me, 'alerts') === 'personal';
  const group = masked && params.get('group') === 'entity' ? '' : (params.get('group') ?? '');
  const sevText = params.get('sev') ?? '';
  const filters = useMemo<Filters>(() => {
    const f: Filters = { view, sort: params.get('sort') ?? '-score' };
    for (const k of ['q', 'system', 'rule', 'attack'] as const) {
      const v = params.get(k);
      if (v) f[k] = v;
    }
    if (group) f.group = group;
    if (!masked)
      for (const k of ['host', 'user', 'address'] as const) {
        const v = params.get(k);
        if (v) f[k] = v;
      }
    if (sevText) f.sev = sevText.split(',');
    if (rangeName) {
      const r = rangeOf(rangeName, arrived);
      f.from = new Date(r.from).toISOString();
      f.to = r.moving ? undefined : new Date(r.to).toISOString();
    }
    return f;
  }, [params, view, sevText, rangeName, arrived, group, masked]);
  return { filters, view, rangeName, masked, group, sevText, arrived };
}

/** Filters of the address that no field of the bar shows: key, name, value in the reader's words. */
export function useChips(params: URLSearchParams, masked: boolean): [string, string, string][] {
  const { t } = useTranslation();
  const chips: [string, string, string][] = [];
  for (const k of ['q', 'system', 'rule', 'host', 'user', 'address', 'attack', 'sev', 't'] as const) {
    const v = params.get(k);
    if (v && k !== 'q' && !(masked && ['host', 'user', 'address'].includes(k)))
      chips.push([
        k,
        t(`filter.${k}`),
        k === 't'
          ? t(`range.${v}`, v.replace('_', ' → '))
          : k === 'sev'
            ? v
                .split(',')
                .map((s) => t(`severity.${s}`))
                .join(', ')
            : v,
      ]);
  }
  return chips;
}
