/** What axe says of a page as it stands. */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

export const themes = ['light', 'dark'] as const;

/** The theme of all pages that p opens from now on: a page that turns while it stands is half turned for some frames. */
export async function theme(p: Page, name: (typeof themes)[number]): Promise<void> {
  await p.emulateMedia({ colorScheme: name });
}

/** Whatever axe finds counts, of whichever weight. */
export async function axe(page: Page, what: string): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
  return violations.map(
    (v) =>
      `${what} ${v.id}: ${v.nodes
        .map((n) => `${n.html.slice(0, 140)} (${n.any.map((c) => c.message).join('; ')})`)
        .slice(0, 3)
        .join(' | ')}`,
  );
}

/** The ground of a page, which tells its theme. */
export const ground = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
