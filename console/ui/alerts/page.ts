import type { PageDef } from '../frame/pages';

export default {
  id: 'alerts',
  group: 'duty',
  order: 20,
  icon: 'bell',
  key: 'a',
  routes: {
    '/alerts': () => import('./Alerts'),
    '/alerts/:id': () => import('./AlertPage'),
  },
} satisfies PageDef;
