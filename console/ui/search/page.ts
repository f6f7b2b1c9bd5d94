import type { PageDef } from '../frame/pages';

export default {
  id: 'search',
  group: 'duty',
  order: 30,
  icon: 'search',
  key: 's',
  routes: {
    '/search': () => import('./Search'),
  },
} satisfies PageDef;
