import type { ReactElement } from 'react';

/** Our own line icons: 16 px, stroke 1.4, currentColor. Always beside a word, except in the collapsed rail and row actions. */
const shapes = {
  home: <path d="M2.5 7.5 8 3l5.5 4.5V13a.5.5 0 0 1-.5.5h-3V9.5H6v4H3a.5.5 0 0 1-.5-.5z" />,
  bell: <path d="M4 11V7a4 4 0 0 1 8 0v4l1 1.5H3zM6.7 12.7a1.4 1.4 0 0 0 2.6 0" />,
  search: <path d="M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3 14 14" />,
  server: <path d="M2.5 3h11v3.6h-11zM2.5 9.4h11V13h-11zM4.7 4.8h.1M4.7 11.2h.1M8 4.8h3.5M8 11.2h3.5" />,
  source: <path d="M3 13V8M6.3 13V5M9.7 13V9M13 13V3" />,
  ledger: <path d="M3.5 2.5h9v11h-9zM5.5 5.5h5M5.5 8h5M5.5 10.5h3" />,
  rules: <path d="M2.5 4h11M2.5 8h7M2.5 12h4M11.5 8v5M9.6 11.2l1.9 1.9 1.9-1.9" />,
  link: <path d="M6.5 9.5 9.5 6.5M7.2 4.8 8.6 3.4a2.8 2.8 0 0 1 4 4L11.2 8.8M8.8 11.2l-1.4 1.4a2.8 2.8 0 0 1-4-4L4.8 7.2" />,
  up: <path d="M8 13.5v-8M4.8 8.2 8 5l3.2 3.2M3 2.5h10" />,
  audit: <path d="M3.5 2.5h6l3 3v8h-9zM9.5 2.5v3h3M5.5 8h5M5.5 10.5h5" />,
  gear: (
    <path d="M8 10.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM8 1.8v1.9M8 12.3v1.9M1.8 8h1.9M12.3 8h1.9M3.6 3.6 5 5M11 11l1.4 1.4M3.6 12.4 5 11M11 5l1.4-1.4" />
  ),
  calendar: <path d="M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v3M10.5 2v3" />,
  live: (
    <path d="M8 9a1 1 0 1 0 0-2 1 1 0 0 0 0 2zM5.4 10.6a3.7 3.7 0 0 1 0-5.2M10.6 5.4a3.7 3.7 0 0 1 0 5.2M3.5 12.5a6.4 6.4 0 0 1 0-9M12.5 3.5a6.4 6.4 0 0 1 0 9" />
  ),
  pause: <path d="M5.5 3.5v9M10.5 3.5v9" />,
  moon: <path d="M13 9.8A5.5 5.5 0 0 1 6.2 3 5.5 5.5 0 1 0 13 9.8z" />,
  sun: (
    <path d="M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M3.4 12.6l1-1M11.6 4.4l1-1" />
  ),
  system: <path d="M2 3h12v8H2zM6 13.5h4M8 11v2.5" />,
  clock: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM8 4.8V8l2.2 1.6" />,
  disk: <path d="M3 4.2c0-1 2.2-1.7 5-1.7s5 .7 5 1.7v7.6c0 1-2.2 1.7-5 1.7s-5-.7-5-1.7zM3 4.2c0 1 2.2 1.7 5 1.7s5-.7 5-1.7" />,
  scale: <path d="M8 2.5v11M5 13.5h6M3 4.5h10M3 4.5 1.5 9h3zM13 4.5 11.5 9h3z" />,
  arrowUp: <path d="M8 13V3.5M4.5 7 8 3.5 11.5 7" />,
  down: <path d="m4 6.5 4 4 4-4" />,
  right: <path d="m6 4 4 4-4 4" />,
  close: <path d="m4 4 8 8M12 4l-8 8" />,
  check: <path d="m3 8.5 3.2 3.2L13 4.8" />,
  copy: <path d="M5.5 5.5h8v8h-8zM3.5 10.5h-1v-8h8v1" />,
  plus: <path d="M8 3v10M3 8h10" />,
  person: <path d="M8 7.8a2.7 2.7 0 1 0 0-5.4 2.7 2.7 0 0 0 0 5.4zM2.8 13.6c.5-2.6 2.6-4 5.2-4s4.7 1.4 5.2 4" />,
  shield: <path d="M8 2 13 3.8v4c0 3-2 5.2-5 6.2-3-1-5-3.2-5-6.2v-4z" />,
  keyboard: <path d="M1.8 4h12.4v8H1.8zM4 6.5h.1M6.6 6.5h.1M9.3 6.5h.1M12 6.5h.1M4.5 9.5h7" />,
  help: <path d="M8 14A6 6 0 1 0 8 2a6 6 0 0 0 0 12zM6.2 6.3a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.7-.8 1.2M8 11.3v.1" />,
  out: <path d="M9.5 2.5h-7v11h7M6.5 8h7.5M11.5 5.5 14 8l-2.5 2.5" />,
  rail: <path d="M2.5 3h11v10h-11zM6 3v10" />,
  warn: <path d="M8 2.5 14.5 13.5h-13zM8 6.5v3.5M8 11.8v.1" />,
} satisfies Record<string, ReactElement>;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg
      className="icon"
      width={size}
      height={size}
      viewBox="0 0 16 16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.4"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {shapes[name]}
    </svg>
  );
}

export function Mark({ size = 24 }: { size?: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <rect width="24" height="24" rx="5" className="mark-ground" />
      <path className="mark-line" d="M12 5.5 17.5 7.4v4.3c0 3.2-2.2 5.6-5.5 6.8-3.3-1.2-5.5-3.6-5.5-6.8V7.4z" />
    </svg>
  );
}
