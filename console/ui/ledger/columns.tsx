import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'react-router';
import type { LedgerItem } from '../api/client';
import type { Column } from '../design/Grid';
import { PostureSign } from '../design/signs';
import { Evidence } from '../evidence/Evidence';
import { number } from '../format/number';
import { listed } from '../format/time';
import { useLang } from '../session/preferences';

/** The terms of the equation: received is the sum of the others. */
export const figures = ['received', 'stored', 'quarantined', 'rejected', 'duplicate', 'dropped', 'in_flight'] as const;

/** A minute of one source, or of all of them: whether it is reconciled, its figures, and by how much they differ. */
export function useColumns(): Column<LedgerItem>[] {
  const { t } = useTranslation();
  const lang = useLang();
  return useMemo<Column<LedgerItem>[]>(
    () => [
      {
        key: 'state',
        head: t('column.state'),
        width: '112px',
        cell: (r) => (
          <PostureSign
            state={!r.checked ? 'unknown' : r.difference === 0 ? 'met' : 'not_met'}
            label={!r.checked ? t('ledger.unchecked') : r.difference === 0 ? t('ledger.balanced') : t('ledger.differs')}
          />
        ),
      },
      {
        key: 'source',
        head: t('sources.source'),
        width: 'minmax(0,1fr)',
        cell: (r) =>
          r.source.id ? (
            <Evidence value={r.source.name || r.source.id} name className="block cut" />
          ) : (
            <span className="muted">{t('ledger.allSources')}</span>
          ),
      },
      ...figures.map(
        (k): Column<LedgerItem> => ({
          key: k,
          head: t(`ledger.${k}`),
          width: '76px',
          right: true,
          cell: (r) =>
            k === 'quarantined' && r[k] > 0 ? (
              <Link to={`/ledger?view=quarantine${r.source.id ? `&source=${r.source.id}` : ''}`} className="num">
                {number(r[k], lang)}
              </Link>
            ) : (
              <span className="num">{number(r[k], lang)}</span>
            ),
        }),
      ),
      {
        key: 'difference',
        head: t('ledger.difference'),
        width: '60px',
        right: true,
        cell: (r) => (
          <span className={`num strong${r.difference !== 0 && r.checked ? ' danger-text' : ''}`}>
            {r.checked ? number(r.difference, lang) : '?'}
          </span>
        ),
      },
      {
        key: 'minute',
        head: t('ledger.minute'),
        width: '92px',
        cell: (r) => <span className="num">{listed(r.minute, lang).slice(0, -3)}</span>,
      },
    ],
    [t, lang],
  );
}
