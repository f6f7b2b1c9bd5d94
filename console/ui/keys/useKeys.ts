import { useEffect, useRef } from 'react';
import { type Mode, nameOf, typing } from './keys';

export interface Binding {
  /** names as nameOf gives them: 'a', 'A', 'ctrl+k', 'Enter' */
  keys: readonly string[];
  /** key of locales under keys.* for the help; '' is not shown */
  label: string;
  act: (name: string) => void;
  /** also while a field has the focus */
  always?: boolean;
}

interface Layer {
  bindings: Binding[];
  /** nothing below hears anything */
  modal: boolean;
  mode: Mode;
}

const layers: { current: Layer }[] = [];
let letters = true;

/** Single-letter keys on or off, by the person's setting. */
export function setLetters(on: boolean): void {
  letters = on;
}

/** All bindings that act now, topmost layer first, for the help. */
export function boundNow(): Binding[] {
  const out: Binding[] = [];
  for (let i = layers.length - 1; i >= 0; i--) {
    const l = layers[i]?.current;
    if (!l) continue;
    out.push(...l.bindings);
    if (l.modal) break;
  }
  return out;
}

function onKey(e: KeyboardEvent): void {
  if (e.defaultPrevented) return;
  const field = typing(document.activeElement as HTMLElement | null);
  for (let i = layers.length - 1; i >= 0; i--) {
    const l = layers[i]?.current;
    if (!l) continue;
    const name = nameOf(e, l.mode);
    if (name) {
      const single = name.length === 1;
      for (const b of l.bindings) {
        if (!b.keys.includes(name)) continue;
        if (field && !b.always) continue;
        if (single && !letters && !/^\d$/.test(name)) continue;
        // Enter and Space belong to a focused button or link
        if ((name === 'Enter' || name === ' ') && !b.always && document.activeElement?.closest('button,a,summary,[role=button]'))
          continue;
        e.preventDefault();
        b.act(name);
        return;
      }
    }
    if (l.modal) return;
  }
}

/** Binds keys while the component lives; a modal layer keeps keys from the layers below. */
export function useKeys(bindings: Binding[], opts: { on?: boolean; modal?: boolean; mode?: Mode } = {}): void {
  const { on = true, modal = false, mode = 'list' } = opts;
  const box = useRef<Layer>({ bindings, modal, mode });
  box.current = { bindings, modal, mode };
  useEffect(() => {
    if (!on) return;
    if (layers.length === 0) window.addEventListener('keydown', onKey);
    layers.push(box);
    return () => {
      layers.splice(layers.indexOf(box), 1);
      if (layers.length === 0) window.removeEventListener('keydown', onKey);
    };
  }, [on]);
}
