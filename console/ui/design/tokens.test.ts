import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { contrast, type Palette, palettes } from './tokens';

const floors: [string, (p: Palette) => [string, string][], number][] = [
  ['text on every background', (p) => Object.values(p.bg).map((b) => [p.text.base, b]), 7],
  ['text.2 on every background', (p) => Object.values(p.bg).map((b) => [p.text.two, b]), 6],
  ['text.3 on every background', (p) => Object.values(p.bg).map((b) => [p.text.three, b]), 4.5],
  ['strong line on every background', (p) => Object.values(p.bg).map((b) => [p.line.strong, b]), 3],
  ['accent text on every background', (p) => Object.values(p.bg).map((b) => [p.accent.text, b]), 6],
  ['focus ring on every background', (p) => Object.values(p.bg).map((b) => [p.accent.focus, b]), 3],
  ['text on the accent fill', (p) => [[p.accent.on, p.accent.fill]], 7],
  ['text on the accent fill, hovered', (p) => [[p.accent.on, p.accent.hover]], 7],
  ['state text on its tint', (p) => (['ok', 'warn', 'danger', 'unk', 'info'] as const).map((s) => [p[s].text, p[s].tint]), 6.5],
  [
    'severity on every background',
    (p) => Object.values(p.severity).flatMap((s) => Object.values(p.bg).map((b): [string, string] => [s, b])),
    3,
  ],
  [
    'posture on every background',
    (p) => Object.values(p.posture).flatMap((s) => Object.values(p.bg).map((b): [string, string] => [s, b])),
    3,
  ],
  ['count on critical', (p) => [[p.onCritical, p.severity.critical]], 4.5],
  ['cross on not met', (p) => [[p.onNotMet, p.posture.not_met]], 4.5],
  ['category on surface', (p) => p.category.map((c) => [c, p.bg.surface]), 3],
];

describe.each(Object.entries(palettes))('%s', (_, palette) => {
  it.each(floors)('%s', (_what, pairs, floor) => {
    for (const [a, b] of pairs(palette)) {
      const r = contrast(a, b);
      expect(r, `${a} on ${b} is ${r.toFixed(2)}`).toBeGreaterThanOrEqual(floor);
    }
  });
});

describe('contrast', () => {
  it('knows the ends of the scale', () => {
    expect(contrast('#000000', '#FFFFFF')).toBeCloseTo(21, 5);
    expect(contrast('#777777', '#777777')).toBe(1);
  });
});

describe('no other hex colour', () => {
  const root = join(__dirname, '..');
  const skip = new Set(['node_modules', 'dist', 'dev', 'browser', 'screenshots', 'locales', 'public']);
  const files = (dir: string): string[] =>
    readdirSync(dir).flatMap((f) => {
      if (skip.has(f)) return [];
      const p = join(dir, f);
      if (statSync(p).isDirectory()) return files(p);
      return /\.(tsx?|css|html|svg)$/.test(f) && !/tokens(\.test)?\.ts$/.test(f) && !f.endsWith('.d.ts') ? [p] : [];
    });
  it.each(files(root).map((f) => f.slice(root.length + 1)))('%s', (f) => {
    const found = readFileSync(join(root, f), 'utf8').match(/#(?:[0-9a-f]{6}|[0-9a-f]{3})\b(?=['"`;,) ])/gi);
    expect(found ?? []).toEqual([]);
  });
});
