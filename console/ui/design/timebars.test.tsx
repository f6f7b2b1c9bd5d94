import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import '../locales/i18n';
import { BarsTable } from './TimeBars';

const at = Date.parse('2026-11-30T07:00:00Z');
const data = {
  from: at,
  to: at + 7_200_000,
  step: 3_600_000,
  gaps: [],
  series: [{ key: 'events', name: 'sự kiện', values: [[at, 1204] as [number, number]] }],
};
const drawn = (atLeast: boolean) =>
  renderToStaticMarkup(<BarsTable label="x" data={data} atLeast={atLeast} gapAt={() => false} />);

it('the figure of a bar is said to be at least that where not all could be read', () => {
  expect(drawn(true)).toContain('>ít nhất 1.204<');
  expect(drawn(false)).toContain('>1.204<');
});
