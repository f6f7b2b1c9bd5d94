/** What axe says of a page as it stands, in each theme: the page follows the system, and the system turns light, then dark. */
import AxeBuilder from '@axe-core/playwright';
import type { Page } from 'playwright-core';

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Leaves the page light. Whatever axe finds counts, of whichever weight. */
export async function axe(page: Page, what: string): Promise<string[]> {
  const found: string[] = [];
  const grounds: string[] = [];
  for (const theme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    grounds.push(
      await page.evaluate(async () => {
        const frame = () => new Promise(requestAnimationFrame);
        // React draws the other theme a frame later, and colours that are still turning are nobody's: wait until none has turned for three frames
        for (let still = 0, all = 0; still < 3 && all < 120; all++) {
          await frame();
          const turning = document.getAnimations().filter((a) => a instanceof CSSTransition);
          for (const a of turning) a.finish();
          still = turning.length > 0 ? 0 : still + 1;
        }
        return getComputedStyle(document.body).backgroundColor;
      }),
    );
    const { violations } = await new AxeBuilder({ page }).withTags(tags).analyze();
    for (const v of violations)
      found.push(
        `${what}, ${theme}: ${v.id}: ${v.nodes
          .map((n) => n.html.slice(0, 140))
          .slice(0, 3)
          .join(' | ')}`,
      );
  }
  if (grounds[0] === grounds[1]) found.push(`${what}: the page did not turn dark`);
  return found;
}
