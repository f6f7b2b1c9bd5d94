import type { PageDef } from '../frame/pages';

export default {
  id: 'national',
  group: 'compliance',
  order: 10,
  icon: 'up',
  key: 't',
  routes: {
    '/national': () => import('./National'),
  },
} satisfies PageDef;
