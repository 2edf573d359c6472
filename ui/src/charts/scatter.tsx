// Duration over time, one dot a trace, on a logarithmic scale: what is slow, what fails, and when.
import { useEffect, useRef, useState } from 'preact/hooks';
import { clock, duration } from '../base/format';
import { cssColor, theme } from '../base/theme';

export interface Dot {
  id: string;
  /** Seconds since 1970. */
  time: number;
  seconds: number;
  bad: boolean;
  label: string;
}

interface Props {
  from: number;
  to: number;
  dots: Dot[];
  selected: string | null;
  onOpen: (id: string) => void;
  onZoom: (from: number, to: number) => void;
}

const kHeight = 132;
const kLeft = 58;
const kBottom = 20;
const kTop = 8;

/** Powers of ten that enclose all durations. */
export function decades(dots: readonly Dot[]): [number, number] {
  const known = dots.map((dot) => Math.max(dot.seconds, 1e-6));
  if (!known.length) return [1e-3, 1];
  const low = 10 ** Math.floor(Math.log10(Math.min(...known)));
  const high = 10 ** Math.ceil(Math.log10(Math.max(...known)) + 1e-9);
  return [low, high > low ? high : low * 10];
}

export function Scatter(props: Props) {
  const { from, to, dots } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [hover, setHover] = useState<Dot | null>(null);
  const [drag, setDrag] = useState<[number, number] | null>(null);
  const [low, high] = decades(dots);

  const x = (time: number) => kLeft + ((time - from) / (to - from)) * (width - kLeft - 8);
  const timeAt = (px: number) => from + ((px - kLeft) / (width - kLeft - 8)) * (to - from);
  const y = (seconds: number) => {
    const share = Math.log(Math.max(seconds, low) / low) / Math.log(high / low);
    return kHeight - kBottom - share * (kHeight - kBottom - kTop);
  };

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
    ctx.font = `11px ${cssColor('font')}`;
    ctx.textBaseline = 'middle';
    for (let level = low; level <= high * 1.001; level *= 10) {
      const at = Math.round(y(level)) + 0.5;
      ctx.strokeStyle = cssColor('line');
      ctx.beginPath();
      ctx.moveTo(kLeft, at);
      ctx.lineTo(width, at);
      ctx.stroke();
      ctx.fillStyle = cssColor('ink-3');
      ctx.textAlign = 'right';
      ctx.fillText(duration(level), kLeft - 8, at);
    }
    for (let i = 0; i <= 4; i++) {
      const time = from + ((to - from) * i) / 4;
      ctx.textAlign = i === 0 ? 'left' : i === 4 ? 'right' : 'center';
      ctx.fillStyle = cssColor('ink-3');
      ctx.fillText(clock(time * 1000, false), x(time), kHeight - 7);
    }
    // Failures last, so that they are never hidden below the rest.
    for (const bad of [false, true]) {
      ctx.fillStyle = cssColor(bad ? 'bad' : 'series-1');
      ctx.globalAlpha = bad ? 0.9 : 0.5;
      for (const dot of dots) {
        if (dot.bad !== bad) continue;
        ctx.beginPath();
        ctx.arc(x(dot.time), y(dot.seconds), bad ? 3.5 : 3, 0, 7);
        ctx.fill();
      }
    }
    ctx.globalAlpha = 1;
    const marked = hover ?? dots.find((dot) => dot.id === props.selected);
    if (marked) {
      ctx.strokeStyle = cssColor('ink');
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      ctx.arc(x(marked.time), y(marked.seconds), 5.5, 0, 7);
      ctx.stroke();
    }
    if (drag) {
      ctx.fillStyle = cssColor('select');
      ctx.fillRect(Math.min(...drag), kTop, Math.abs(drag[1] - drag[0]), kHeight - kBottom - kTop);
    }
  }, [width, dots, hover, drag, props.selected, theme.value, from, to]);

  const nearest = (px: number, py: number): Dot | null => {
    let best: Dot | null = null;
    let distance = 14 ** 2;
    for (const dot of dots) {
      const d = (x(dot.time) - px) ** 2 + (y(dot.seconds) - py) ** 2;
      if (d < distance) [best, distance] = [dot, d];
    }
    return best;
  };

  const bad = dots.filter((dot) => dot.bad).length;
  return (
    <div class="scatter" style={{ height: `${kHeight}px` }}>
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${dots.length} traces by time and duration, ${bad} with errors; the list below has the same`}
        style={{
          width: `${width}px`,
          height: `${kHeight}px`,
          cursor: hover ? 'pointer' : 'crosshair',
        }}
        onPointerMove={(event) => {
          if (drag) setDrag([drag[0], event.offsetX]);
          else setHover(nearest(event.offsetX, event.offsetY));
        }}
        onPointerLeave={() => setHover(null)}
        onPointerDown={(event) => {
          if (hover) return;
          canvas.current!.setPointerCapture(event.pointerId);
          setDrag([event.offsetX, event.offsetX]);
        }}
        onPointerUp={() => {
          if (hover) props.onOpen(hover.id);
          else if (drag && Math.abs(drag[1] - drag[0]) > 4)
            props.onZoom(timeAt(Math.min(...drag)), timeAt(Math.max(...drag)));
          setDrag(null);
        }}
      />
      {hover && (
        <div
          class={`tooltip ${x(hover.time) > width / 2 ? 'to-left' : ''}`}
          style={{ left: `${x(hover.time)}px`, top: `${y(hover.seconds)}px` }}
        >
          <b>{hover.label}</b>
          <div class="muted">
            {duration(hover.seconds)} at {clock(hover.time * 1000)}
          </div>
        </div>
      )}
    </div>
  );
}
