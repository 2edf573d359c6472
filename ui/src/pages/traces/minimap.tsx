// The whole trace in little: where the time goes, and dragging to look closer.
import { useEffect, useRef, useState } from 'preact/hooks';
import { serviceColor } from '../../base/colors';
import { cssColor, theme } from '../../base/theme';
import type { View, Waterfall } from './waterfall';

interface Props {
  waterfall: Waterfall;
  view: View;
  onView: (view: View) => void;
}

const kHeight = 44;

export function Minimap({ waterfall, view, onView }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const { all, length } = waterfall;

  useEffect(() => {
    const element = canvas.current!.parentElement!;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    const element = canvas.current!;
    const ratio = devicePixelRatio;
    element.width = width * ratio;
    element.height = kHeight * ratio;
    const ctx = element.getContext('2d')!;
    ctx.scale(ratio, ratio);
    const colors = new Map<string, string>();
    const line = Math.max(0.5, Math.min(4, (kHeight - 4) / all.length));
    all.forEach((node, i) => {
      let color = colors.get(node.service);
      if (!color) colors.set(node.service, (color = cssColor(serviceColor(node.service))));
      ctx.fillStyle = node.errorOrigin ? cssColor('bad') : color;
      const y = 2 + (i / all.length) * (kHeight - 4);
      const x = (node.start / length) * width;
      ctx.fillRect(x, y, Math.max(1, ((node.end - node.start) / length) * width), line * 0.75);
    });
    const shade = (from: number, to: number, color: string) => {
      ctx.fillStyle = cssColor(color);
      ctx.fillRect(from, 0, to - from, kHeight);
    };
    const [left, right] = [(view.from / length) * width, (view.to / length) * width];
    ctx.globalAlpha = 0.7;
    shade(0, left, 'page');
    shade(right, width, 'page');
    ctx.globalAlpha = 1;
    if (drag) shade(Math.min(...drag), Math.max(...drag), 'select');
  }, [waterfall, view, width, drag, theme.value]);

  return (
    <div class="minimap">
      <canvas
        ref={canvas}
        role="img"
        aria-label="The whole trace; drag to look at a part of it"
        style={{ width: `${width}px`, height: `${kHeight}px` }}
        onPointerDown={(event) => {
          canvas.current!.setPointerCapture(event.pointerId);
          setDrag([event.offsetX, event.offsetX]);
        }}
        onPointerMove={(event) => drag && setDrag([drag[0], event.offsetX])}
        onPointerUp={() => {
          if (drag && Math.abs(drag[1] - drag[0]) > 3) {
            const ns = (x: number) => Math.max(0, Math.min(1, x / width)) * length;
            onView({ from: ns(Math.min(...drag)), to: ns(Math.max(...drag)) });
          } else onView({ from: 0, to: length });
          setDrag(null);
        }}
      />
    </div>
  );
}
