import type { Plugin } from 'vite';
import { face, palettes, variables } from './tokens.ts';

function block(selector: string, theme: keyof typeof palettes): string {
  const vars = Object.entries(variables(palettes[theme]));
  return `${selector}{color-scheme:${theme};${vars.map(([k, v]) => `--${k}:${v};`).join('')}}`;
}

/** The style sheet virtual:tokens.css, made of tokens.ts, so that the first paint has its colours before any script runs. */
export function tokenSheet(): Plugin {
  const id = 'virtual:tokens.css';
  const css = [
    `:root{--face:${face.text};--mono:${face.mono};}`,
    block(':root', 'light'),
    block(':root[data-theme="dark"]', 'dark'),
    `@media (prefers-color-scheme:dark){${block(':root:not([data-theme])', 'dark')}}`,
  ].join('\n');
  return {
    name: 'hoalu-tokens',
    resolveId: (source) => (source === id ? `\0${id}` : undefined),
    load: (source) => (source === `\0${id}` ? css : undefined),
  };
}
