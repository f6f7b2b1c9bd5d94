import { type ReactNode, useEffect, useRef, useState } from 'react';

/** A table that is wider than its place scrolls sideways by itself, not with the page; then it can be reached and has a name. */
export function TableWrap({ label, children }: { label: string; children: ReactNode }) {
  const box = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  useEffect(() => {
    const el = box.current;
    if (!el) return;
    const look = () => setWide(el.scrollWidth > el.clientWidth + 1);
    const watch = new ResizeObserver(look);
    watch.observe(el);
    if (el.firstElementChild) watch.observe(el.firstElementChild);
    return () => watch.disconnect();
  }, []);
  return (
    <div ref={box} className="table-wrap" {...(wide ? { role: 'region', 'aria-label': label, tabIndex: 0 } : {})}>
      {children}
    </div>
  );
}
