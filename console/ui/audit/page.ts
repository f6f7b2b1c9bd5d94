import type { PageDef } from '../frame/pages';

export default {
  id: 'audit',
  group: 'admin',
  order: 10,
  icon: 'audit',
  key: 'd',
  routes: {
    '/audit': () => import('./Audit'),
  },
} satisfies PageDef;
