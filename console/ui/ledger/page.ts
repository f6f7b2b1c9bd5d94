import type { PageDef } from '../frame/pages';

export default {
  id: 'ledger',
  group: 'systems',
  order: 30,
  icon: 'ledger',
  key: 'l',
  routes: {
    '/ledger': () => import('./Ledger'),
  },
} satisfies PageDef;
