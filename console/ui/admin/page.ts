import type { PageDef } from '../frame/pages';

export default {
  id: 'admin',
  group: 'admin',
  order: 20,
  icon: 'gear',
  key: 'q',
  routes: {
    '/admin': () => import('./Admin'),
    '/admin/:section': () => import('./Admin'),
  },
} satisfies PageDef;
