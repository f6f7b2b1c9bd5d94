/**
 * Every colour of the console. The Vite plugin in design/css.ts turns this into CSS variables, design/theme.ts into the Ant Design
 * theme and design/chart.ts into the ECharts theme. tokens.test.ts computes the contrast ratios; no other file may hold a hex colour.
 */
export interface Palette {
  bg: { app: string; surface: string; subtle: string; hover: string; selected: string; rail: string };
  line: { base: string; strong: string };
  text: { base: string; two: string; three: string };
  accent: { fill: string; on: string; hover: string; text: string; focus: string };
  ok: Tint;
  warn: Tint;
  danger: Tint;
  unk: Tint;
  info: Tint;
  severity: Record<Severity, string>;
  /** text on a fill of severity.critical (the rail's count) */
  onCritical: string;
  posture: Record<Posture, string>;
  /** the sign inside a solid "not met" box */
  onNotMet: string;
  category: readonly string[];
  shadow: string;
}

interface Tint {
  text: string;
  tint: string;
}

export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'informational';
export type Posture = 'met' | 'not_met' | 'unknown' | 'not_applicable';

export const light: Palette = {
  bg: {
    app: '#F3F5F8',
    surface: '#FFFFFF',
    subtle: '#F7F9FB',
    hover: '#EFF3F8',
    selected: '#E3EBF9',
    rail: '#FFFFFF',
  },
  line: { base: '#DCE2E9', strong: '#768391' },
  text: { base: '#17212B', two: '#43505D', three: '#5C6976' },
  accent: { fill: '#2B50A8', on: '#FFFFFF', hover: '#1F3F8C', text: '#2749A0', focus: '#2B50A8' },
  ok: { text: '#0B5E56', tint: '#E4F4F1' },
  warn: { text: '#7A4B00', tint: '#FFF6E0' },
  danger: { text: '#9A1B12', tint: '#FDECEA' },
  unk: { text: '#55389A', tint: '#F1ECFA' },
  info: { text: '#23459A', tint: '#E9F0FB' },
  severity: {
    critical: '#8C0B3A',
    high: '#B93A06',
    medium: '#9F7C00',
    low: '#2F6196',
    informational: '#7A838C',
  },
  onCritical: '#FFFFFF',
  posture: { met: '#00695C', not_met: '#BC4708', unknown: '#6646BE', not_applicable: '#77818B' },
  onNotMet: '#FFFFFF',
  category: ['#4453B8', '#2A7358', '#A27F00', '#8C1C74', '#5589A4', '#3A444D'],
  shadow: '0 6px 24px rgb(23 33 43 / 18%)',
};

export const dark: Palette = {
  bg: {
    app: '#0E141B',
    surface: '#161E27',
    subtle: '#1B2530',
    hover: '#202C39',
    selected: '#22344F',
    rail: '#121920',
  },
  line: { base: '#2A3643', strong: '#748494' },
  text: { base: '#E3E9EF', two: '#B7C2CD', three: '#98A5B2' },
  accent: { fill: '#8FB0FF', on: '#0E1A33', hover: '#AFC7FF', text: '#9DBAFF', focus: '#8FB0FF' },
  ok: { text: '#6FD3C5', tint: '#0F2E2B' },
  warn: { text: '#F0C869', tint: '#332708' },
  danger: { text: '#FF9D92', tint: '#3A1A17' },
  unk: { text: '#C9B6F7', tint: '#2A2140' },
  info: { text: '#A9C3FF', tint: '#1A2B4A' },
  severity: {
    critical: '#F4475F',
    high: '#F0976A',
    medium: '#F6DA63',
    low: '#84B8F4',
    informational: '#848D96',
  },
  onCritical: '#0E141B',
  posture: { met: '#84D6C4', not_met: '#F57A44', unknown: '#BE95F8', not_applicable: '#7C858E' },
  onNotMet: '#0E141B',
  category: ['#7C97F0', '#4FA888', '#EFBA5C', '#DB569F', '#8FD0F8', '#A3AFB9'],
  shadow: '0 6px 24px rgb(0 0 0 / 55%)',
};

export const palettes = { light, dark } as const;
export type ThemeName = keyof typeof palettes;

export const face = {
  text: "'Be Vietnam Pro', 'Segoe UI', 'Noto Sans', sans-serif",
  mono: "'JetBrains Mono Variable', 'Cascadia Mono', 'DejaVu Sans Mono', monospace",
} as const;

/** WCAG relative luminance of an #rrggbb colour. */
export function luminance(hex: string): number {
  const part = (at: number) => {
    const c = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}

/** WCAG contrast ratio, 1 to 21. */
export function contrast(a: string, b: string): number {
  const [hi, lo] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number];
  return (hi + 0.05) / (lo + 0.05);
}

/** The CSS variables of a palette, without the leading dashes. */
export function variables(p: Palette): Record<string, string> {
  const out: Record<string, string> = {
    'bg-app': p.bg.app,
    'bg-surface': p.bg.surface,
    'bg-subtle': p.bg.subtle,
    'bg-hover': p.bg.hover,
    'bg-selected': p.bg.selected,
    'bg-rail': p.bg.rail,
    line: p.line.base,
    'line-strong': p.line.strong,
    text: p.text.base,
    'text-2': p.text.two,
    'text-3': p.text.three,
    accent: p.accent.fill,
    'on-accent': p.accent.on,
    'accent-hover': p.accent.hover,
    'accent-text': p.accent.text,
    focus: p.accent.focus,
    'on-critical': p.onCritical,
    'on-not-met': p.onNotMet,
    shadow: p.shadow,
  };
  for (const name of ['ok', 'warn', 'danger', 'unk', 'info'] as const) {
    out[name] = p[name].text;
    out[`${name}-tint`] = p[name].tint;
  }
  for (const [name, v] of Object.entries(p.severity)) out[`sev-${name}`] = v;
  for (const [name, v] of Object.entries(p.posture)) out[`pos-${name.replace('_', '-')}`] = v;
  p.category.forEach((v, i) => {
    out[`cat-${i + 1}`] = v;
  });
  return out;
}
