import type { ComponentType } from 'react';
import type { Me } from '../api/client';
import type { IconName } from '../design/icons';
import type { Lang } from '../format/lang';
import { pageRight } from '../session/session';

/** A page's place in the rail and its routes. It stands in page.ts of the page's folder, which is found by itself. */
export interface PageDef {
  /** the name the server gives its right by (pages in console/authz/policy.rego) */
  id: string;
  group: (typeof groupIds)[number];
  /** within its group */
  order: number;
  icon: IconName;
  /** letter after g */
  key: string;
  /** path → component; the first is the page itself */
  routes: Record<string, () => Promise<{ default: ComponentType }>>;
  /** texts that stand in no file of locales: of a page that is new */
  texts?: Record<Lang, Record<string, unknown>>;
}

/** The groups of the rail, in order. */
export const groupIds = ['duty', 'systems', 'detections', 'compliance', 'admin'] as const;

const found = import.meta.glob<PageDef>('../*/page.ts', { eager: true, import: 'default' });

/** Every page, in the order of the rail. */
export const pages: (PageDef & { path: string })[] = Object.values(found)
  .map((p) => ({ ...p, path: Object.keys(p.routes)[0] ?? '/' }))
  .sort((a, b) => groupIds.indexOf(a.group) - groupIds.indexOf(b.group) || a.order - b.order);

/** The pages this person has, groups without any left out. */
export function pagesOf(me: Me): { id: string; pages: typeof pages }[] {
  return groupIds
    .map((id) => ({ id, pages: pages.filter((p) => p.group === id && pageRight(me, p.id) !== undefined) }))
    .filter((g) => g.pages.length > 0);
}

/** What a person has besides the pages of the rail. */
export const ownPages: PageDef['routes'] = { '/me': () => import('../admin/Me') };

/** What stands before a session: the log-in (also above a page, when the session has ended) and the one-time link. */
export const login = () => import('../entry/Login');
export const first = () => import('../entry/First');
