import type { PageDef } from '../frame/pages';

export default {
  id: 'sources',
  group: 'systems',
  order: 20,
  icon: 'source',
  key: 'n',
  routes: {
    '/sources': () => import('./Sources'),
  },
} satisfies PageDef;
