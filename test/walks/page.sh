#!/usr/bin/env bash
# Add a page of the console: its component and where it stands. Its right is in the policy already.
source "$(dirname "$0")/lib.sh"
most=2
section='A page of the console'
dir=console/ui/hunts

step "the component" "hunts/page.ts.*Cannot find module './Hunts'" the_component
the_component() {
  mkdir -p $dir
  cat >$dir/Hunts.tsx <<'TSX'
import { useTranslation } from 'react-i18next';

export default function Hunts() {
  const { t } = useTranslation();
  return (
    <div className="page">
      <h1>{t('hunts.title')}</h1>
    </div>
  );
}
TSX
}
step "where it stands" "console/ui/hunts has a page and no page.ts|hunts.title" where_it_stands
where_it_stands() {
  mkdir -p $dir
  cat >$dir/page.ts <<'TS'
import type { PageDef } from '../frame/pages';

export default {
  id: 'hunts',
  group: 'duty',
  order: 40,
  icon: 'search',
  key: 'h',
  routes: { '/hunts': () => import('./Hunts') },
  // texts
} satisfies PageDef;
TS
}
step "its texts in both languages" "page.hunts has no text in vi" its_texts
its_texts() {
  [ -e $dir/page.ts ] || return 0
  sed -i "s|  // texts|  texts: {\n    vi: { page: { hunts: 'Săn tìm' }, hunts: { title: 'Săn tìm' } },\n    en: { page: { hunts: 'Hunts' }, hunts: { title: 'Hunts' } },\n  },|" $dir/page.ts
}
walk
