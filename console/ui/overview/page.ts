import type { PageDef } from '../frame/pages';

export default {
  id: 'overview',
  group: 'duty',
  order: 10,
  icon: 'home',
  key: 'o',
  routes: {
    '/': () => import('./Overview'),
  },
} satisfies PageDef;
