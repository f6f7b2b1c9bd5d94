import type { PageDef } from '../frame/pages';

export default {
  id: 'rules',
  group: 'detections',
  order: 10,
  icon: 'rules',
  key: 'r',
  routes: {
    '/rules': () => import('./Rules'),
    '/rules/:id': () => import('./RulePage'),
  },
} satisfies PageDef;
