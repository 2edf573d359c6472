// Stacked bars over time, to see when and to choose a time by clicking or dragging.
import { useRef, useState } from 'preact/hooks';
import { clock, moment, plural, whole } from '../base/format';

export interface BarSeries {
  name: string;
  /** The colour's name in styles/tokens.css. */
  color: string;
  counts: number[];
}

interface Props {
  label: string;
  /** Seconds since 1970. */
  start: number;
  step: number;
  series: BarSeries[];
  onZoom: (from: number, to: number) => void;
}

const kWidth = 1000;
const kHeight = 72;

export function Histogram({ label, start, step, series, onZoom }: Props) {
  const svg = useRef<SVGSVGElement>(null);
  const [hover, setHover] = useState<number | null>(null);
  const [dragFrom, setDragFrom] = useState<number | null>(null);
  const buckets = Math.max(0, ...series.map((one) => one.counts.length));
  const totals = Array.from({ length: buckets }, (_, i) =>
    series.reduce((sum, one) => sum + (one.counts[i] ?? 0), 0),
  );
  const max = Math.max(1, ...totals);
  const bar = kWidth / Math.max(1, buckets);
  const total = totals.reduce((a, b) => a + b, 0);

  const at = (event: PointerEvent): number => {
    const box = svg.current!.getBoundingClientRect();
    const share = (event.clientX - box.left) / box.width;
    return Math.max(0, Math.min(buckets - 1, Math.floor(share * buckets)));
  };
  const finish = (event: PointerEvent) => {
    if (dragFrom == null) return;
    const end = at(event);
    const [first, lastBar] = dragFrom < end ? [dragFrom, end] : [end, dragFrom];
    setDragFrom(null);
    onZoom(start + first * step, start + (lastBar + 1) * step);
  };

  const selected =
    dragFrom != null && hover != null
      ? { x: Math.min(dragFrom, hover) * bar, w: (Math.abs(dragFrom - hover) + 1) * bar }
      : null;
  return (
    <div class="histogram">
      <svg
        ref={svg}
        viewBox={`0 0 ${kWidth} ${kHeight}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${plural(total, 'record')}, at most ${whole(max)} in one bar`}
        onPointerMove={(event) => setHover(at(event))}
        onPointerLeave={() => setHover(null)}
        onPointerDown={(event) => {
          svg.current!.setPointerCapture(event.pointerId);
          setDragFrom(at(event));
        }}
        onPointerUp={finish}
      >
        {hover != null && (
          <rect class="bar-hover" x={hover * bar} y={0} width={bar} height={kHeight} />
        )}
        {totals.map((_, i) => {
          let y = kHeight;
          return series.map((one) => {
            const value = one.counts[i] ?? 0;
            if (!value) return null;
            const height = Math.max(1.5, (value / max) * (kHeight - 4));
            y -= height;
            return (
              <rect
                key={`${i}${one.name}`}
                class={`fill-${one.color}`}
                x={i * bar + bar * 0.08}
                y={y}
                width={bar * 0.84}
                height={height}
              />
            );
          });
        })}
        {selected && (
          <rect class="bar-select" x={selected.x} y={0} width={selected.w} height={kHeight} />
        )}
      </svg>
      <div class="histogram-axis muted">
        <span>{clock(start * 1000, false)}</span>
        <span>
          {hover != null && buckets > 0
            ? `${moment((start + hover * step) * 1000)}: ${
                series
                  .filter((one) => one.counts[hover])
                  .map((one) => `${whole(one.counts[hover]!)} ${one.name.toLowerCase()}`)
                  .join(', ') || 'none'
              }`
            : 'Click or drag to zoom'}
        </span>
        <span>{clock((start + buckets * step) * 1000, false)}</span>
      </div>
    </div>
  );
}
