// Lines over time on a canvas. The only module that knows uPlot.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { cssColor } from '../base/theme';
import { clock } from '../base/format';

export interface PlotSeries {
  name: string;
  values: (number | null)[];
  /** The name of a colour in styles/tokens.css: 'series-1', 'bad', … */
  color: string;
  /** Fills the area below. */
  fill?: boolean;
}

/** A point that can be clicked, such as an exemplar. */
export interface PlotPoint {
  time: number;
  value: number;
  label: string;
  open: () => void;
}

export interface PlotSpec {
  times: number[];
  series: PlotSeries[];
  format: (value: number | null | undefined) => string;
  points: PlotPoint[];
  /** The axis reaches at least this. */
  atLeast: number;
  stacked: boolean;
  height: number;
  onZoom: (from: number, to: number) => void;
}

/** Cursors of all charts of a page move together. */
const kSync = uPlot.sync('vedette');

export interface Hover {
  left: number;
  top: number;
  time: number;
  index: number;
  point: PlotPoint | null;
}

export interface Plot {
  setData(spec: PlotSpec): void;
  setWidth(width: number): void;
  destroy(): void;
}

/** Each series on top of those before it. */
export function stack(series: PlotSeries[]): (number | null)[][] {
  const base: number[] = [];
  return series.map(({ values }) =>
    values.map((value, i) => {
      if (value == null) return base[i] ?? null;
      return (base[i] = (base[i] ?? 0) + value);
    }),
  );
}

/** What uPlot draws: stacked areas are drawn from the highest down, so that the lower ones lie on top. */
function columns(spec: PlotSpec): uPlot.AlignedData {
  const values = spec.stacked
    ? stack(spec.series).reverse()
    : spec.series.map((series) => series.values);
  return [spec.times, ...values] as uPlot.AlignedData;
}

function axisTime(seconds: number, span: number): string {
  const date = new Date(seconds * 1000);
  if (span > 2 * 86400)
    return `${date.getDate()} ${date.toLocaleString('en-GB', { month: 'short' })}`;
  return clock(seconds * 1000, false).slice(0, span < 600 ? 8 : 5);
}

function alpha(color: string, share: number): string {
  return `color-mix(in srgb, ${color} ${Math.round(share * 100)}%, transparent)`;
}

export function createPlot(
  host: HTMLElement,
  first: PlotSpec,
  width: number,
  onHover: (hover: Hover | null) => void,
): Plot {
  let spec = first;
  const ink = cssColor('ink-3');
  const font = `11px ${cssColor('font')}`;

  const drawn = spec.stacked ? [...spec.series].reverse() : spec.series;
  const series: uPlot.Series[] = drawn.map((one) => {
    const color = cssColor(one.color);
    const options: uPlot.Series = {
      label: one.name,
      stroke: color,
      width: 1.5,
      points: { show: false },
      spanGaps: false,
    };
    // Opaque, so that what lies below does not shine through.
    if (spec.stacked) options.fill = `color-mix(in srgb, ${color} 45%, ${cssColor('surface')})`;
    else if (one.fill) options.fill = alpha(color, 0.1);
    return options;
  });

  const nearest = (u: uPlot): PlotPoint | null => {
    const { left = -1, top = -1 } = u.cursor;
    let best: PlotPoint | null = null;
    let bestDistance = 12 ** 2;
    for (const point of spec.points) {
      const dx = u.valToPos(point.time, 'x') - left;
      const dy = Math.max(3, u.valToPos(point.value, 'y')) - top;
      const distance = dx * dx + dy * dy;
      if (distance < bestDistance) {
        best = point;
        bestDistance = distance;
      }
    }
    return best;
  };

  const drawPoints = (u: uPlot) => {
    const { ctx } = u;
    const ratio = devicePixelRatio;
    ctx.save();
    ctx.fillStyle = cssColor('surface');
    ctx.strokeStyle = cssColor('ink-2');
    ctx.lineWidth = 1.25 * ratio;
    for (const point of spec.points) {
      const x = u.valToPos(point.time, 'x', true);
      const r = 3 * ratio;
      // What is above the axis waits at its edge: one slow request must not flatten the lines.
      const y = Math.max(u.bbox.top + r, u.valToPos(point.value, 'y', true));
      if (x < u.bbox.left) continue;
      ctx.beginPath();
      ctx.moveTo(x, y - r);
      ctx.lineTo(x + r, y);
      ctx.lineTo(x, y + r);
      ctx.lineTo(x - r, y);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
    }
    ctx.restore();
  };

  const options: uPlot.Options = {
    width,
    height: spec.height,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      sync: { key: kSync.key, setSeries: false },
      drag: { x: true, y: false, setScale: false },
      points: { size: 6, width: 1.5 },
    },
    scales: {
      y: { range: (_u, _min, max) => [0, Math.max(max * 1.08, spec.atLeast) || 1] },
    },
    axes: [
      {
        stroke: ink,
        font,
        size: 24,
        gap: 6,
        space: 72,
        grid: { show: false },
        ticks: { show: false },
        values: (u, splits) => {
          const span = (u.scales.x?.max ?? 0) - (u.scales.x?.min ?? 0);
          return splits.map((split) => axisTime(split, span));
        },
      },
      {
        stroke: ink,
        font,
        size: 58,
        gap: 8,
        space: 34,
        grid: { stroke: cssColor('line'), width: 1 },
        ticks: { show: false },
        values: (_u, splits) => splits.map((split) => (split === 0 ? '0' : spec.format(split))),
      },
    ],
    series: [{}, ...series],
    hooks: {
      draw: [drawPoints],
      setCursor: [
        (u) => {
          const { idx, left = -1, top = -1 } = u.cursor;
          const over = u.over.matches(':hover');
          if (idx == null || left < 0 || !over) return onHover(null);
          const point = nearest(u);
          u.over.style.cursor = point ? 'pointer' : 'crosshair';
          onHover({
            left: left + u.over.offsetLeft,
            top: top + u.over.offsetTop,
            time: spec.times[idx] ?? 0,
            index: idx,
            point,
          });
        },
      ],
      setSelect: [
        (u) => {
          const { left, width: selected } = u.select;
          if (selected > 4) spec.onZoom(u.posToVal(left, 'x'), u.posToVal(left + selected, 'x'));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
        },
      ],
    },
  };

  const plot = new uPlot(options, columns(spec), host);
  plot.over.addEventListener('mouseleave', () => onHover(null));
  plot.over.addEventListener('click', () => nearest(plot)?.open());

  return {
    setData(next) {
      spec = next;
      plot.setData(columns(next));
    },
    setWidth(next) {
      if (next > 0 && next !== plot.width) plot.setSize({ width: next, height: spec.height });
    },
    destroy: () => plot.destroy(),
  };
}
