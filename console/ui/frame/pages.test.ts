/** Each page has all that a page needs, and says by name what it lacks. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import i18n from '../locales/i18n';
import { groupIds, pages } from './pages';

const root = join(__dirname, '..');
const policy = readFileSync(join(root, '../authz/policy.rego'), 'utf8');

describe('pages', () => {
  it('are found', () => expect(pages.length).toBeGreaterThan(8));

  for (const p of pages) {
    it(`${p.id} has a name in both languages, a right, a letter and a path of its own`, () => {
      for (const lang of ['vi', 'en'] as const)
        expect(i18n.exists(`page.${p.id}`, { lng: lang, fallbackLng: [] }) ? '' : `page.${p.id} has no text in ${lang}`).toBe('');
      expect(policy.includes(`"${p.id}":`) ? '' : `page ${p.id}: no role has it in console/authz/policy.rego`).toBe('');
      expect(groupIds).toContain(p.group);
      for (const other of pages)
        if (other !== p)
          expect([other.id, other.key, other.path]).toEqual([
            other.id,
            expect.not.stringMatching(`^${p.key}$`),
            expect.not.stringMatching(`^${p.path}$`),
          ]);
    });
  }

  it('every folder with a page says where it stands', () => {
    const without = readdirSync(root).filter((d) => {
      const f = join(root, d, `${d[0]?.toUpperCase()}${d.slice(1)}.tsx`);
      return existsSync(f) && readFileSync(f, 'utf8').includes('export default') && !existsSync(join(root, d, 'page.ts'));
    });
    expect(without.map((d) => `console/ui/${d} has a page and no page.ts`)).toEqual([]);
  });
});
