import { type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';

/** What a box that scrolls needs to be reached by key and named, given only while it really scrolls. */
export function useScrolls(box: RefObject<HTMLElement | null>, label: string) {
  const [scrolls, setScrolls] = useState(false);
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const look = () => setScrolls(el.scrollWidth > el.clientWidth + 1 || el.scrollHeight > el.clientHeight + 1);
    const size = new ResizeObserver(look);
    size.observe(el);
    for (const child of el.children) size.observe(child);
    // content that comes later
    const content = new MutationObserver(look);
    content.observe(el, { childList: true, subtree: true, characterData: true });
    return () => {
      size.disconnect();
      content.disconnect();
    };
  }, [box]);
  return scrolls ? { role: 'region', 'aria-label': label, tabIndex: 0 } : {};
}

/** A table wider than its place scrolls sideways by itself, not with the page; then it can be reached and has a name. */
export function TableWrap({
  label,
  className = 'table-wrap',
  children,
}: {
  label: string;
  className?: string;
  children: ReactNode;
}) {
  const box = useRef<HTMLDivElement>(null);
  return (
    <div ref={box} className={className} {...useScrolls(box, label)}>
      {children}
    </div>
  );
}

/** Machine text or lines to copy; what is longer than its place scrolls and can be reached by key. */
export function Pre({ label, children }: { label: string; children: ReactNode }) {
  return (
    <TableWrap label={label} className="pre">
      {children}
    </TableWrap>
  );
}
