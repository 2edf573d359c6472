// A long list of rows of one height, of which only those in sight exist.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props {
  count: number;
  rowHeight: number;
  /** Kept in sight when it changes. */
  active: number;
  role: 'tree' | 'listbox';
  label: string;
  activeId?: string | undefined;
  render: (index: number) => ComponentChildren;
}

const kOverscan = 12;

/** The rows to render: [first, end). */
export function windowOf(top: number, height: number, rowHeight: number, count: number) {
  const first = Math.max(0, Math.floor(top / rowHeight) - kOverscan);
  const end = Math.min(count, Math.ceil((top + height) / rowHeight) + kOverscan);
  return [Math.min(first, count), end] as const;
}

export function VirtualList(props: Props) {
  const { count, rowHeight, active } = props;
  const host = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [first, end] = windowOf(view.top, view.height, rowHeight, count);

  useLayoutEffect(() => {
    const element = host.current!;
    const read = () => setView({ top: element.scrollTop, height: element.clientHeight });
    const observer = new ResizeObserver(read);
    observer.observe(element);
    element.addEventListener('scroll', read, { passive: true });
    read();
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', read);
    };
  }, []);

  useEffect(() => {
    const element = host.current!;
    if (active < 0) return;
    const top = active * rowHeight;
    if (top < element.scrollTop) element.scrollTop = top - rowHeight;
    else if (top + rowHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = top - element.clientHeight + 2 * rowHeight;
  }, [active]);

  const rows: ComponentChildren[] = [];
  for (let i = first; i < end; i++) rows.push(props.render(i));
  return (
    <div
      class="virtual"
      ref={host}
      role={props.role}
      aria-label={props.label}
      aria-activedescendant={props.activeId}
      tabIndex={0}
    >
      <div class="virtual-all" role="none" style={{ height: `${count * rowHeight}px` }}>
        <div
          class="virtual-window"
          role="none"
          style={{ transform: `translateY(${first * rowHeight}px)` }}
        >
          {rows}
        </div>
      </div>
    </div>
  );
}
