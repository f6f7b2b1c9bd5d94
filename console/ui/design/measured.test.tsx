import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import '../locales/i18n';
import { Measured } from './Measured';

describe('a figure that was not measured', () => {
  it('is the sign of not knowing with its cause, never the figure', () => {
    const html = renderToStaticMarkup(
      <Measured known={false} why="chưa nhận sự kiện nào">
        0 ms
      </Measured>,
    );
    expect(html).not.toContain('0 ms');
    expect(html).toContain('?');
    expect(html).toContain('chưa nhận sự kiện nào');
    expect(html).toContain('unk-text');
  });
  it('is itself when it was', () => {
    expect(renderToStaticMarkup(<Measured known>0 ms</Measured>)).toBe('0 ms');
  });
});
