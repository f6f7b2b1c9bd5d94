import type { PageDef } from '../frame/pages';

export default {
  id: 'systems',
  group: 'systems',
  order: 10,
  icon: 'server',
  key: 'y',
  routes: {
    '/systems': () => import('./Systems'),
    '/systems/:id': () => import('./SystemPage'),
  },
} satisfies PageDef;
