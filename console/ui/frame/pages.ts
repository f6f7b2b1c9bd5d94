import type { Me } from '../api/client';
import type { IconName } from '../design/icons';
import { pageRight } from '../session/session';

export interface PageDef {
  id: string;
  path: string;
  icon: IconName;
  /** letter after g */
  key: string;
}

/** The rail: groups in order, each page with the name the server gives its right by. */
export const groups: { id: string; pages: PageDef[] }[] = [
  {
    id: 'duty',
    pages: [
      { id: 'overview', path: '/', icon: 'home', key: 'o' },
      { id: 'alerts', path: '/alerts', icon: 'bell', key: 'a' },
      { id: 'search', path: '/search', icon: 'search', key: 's' },
    ],
  },
  {
    id: 'systems',
    pages: [
      { id: 'systems', path: '/systems', icon: 'server', key: 'y' },
      { id: 'sources', path: '/sources', icon: 'source', key: 'n' },
      { id: 'ledger', path: '/ledger', icon: 'ledger', key: 'l' },
    ],
  },
  { id: 'detections', pages: [{ id: 'rules', path: '/rules', icon: 'rules', key: 'r' }] },
  { id: 'compliance', pages: [{ id: 'national', path: '/national', icon: 'up', key: 't' }] },
  {
    id: 'admin',
    pages: [
      { id: 'audit', path: '/audit', icon: 'audit', key: 'd' },
      { id: 'admin', path: '/admin', icon: 'gear', key: 'q' },
    ],
  },
];

/** The pages this person has, groups without any left out. */
export function pagesOf(me: Me): { id: string; pages: PageDef[] }[] {
  return groups
    .map((g) => ({ ...g, pages: g.pages.filter((p) => pageRight(me, p.id) !== undefined) }))
    .filter((g) => g.pages.length > 0);
}
