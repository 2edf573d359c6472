// A chart of values over time, with legend, tooltip, exemplars, and the same numbers as a table.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { clock, formatter, moment, type Unit } from '../base/format';
import { theme } from '../base/theme';
import { zoomTo } from '../base/time_range';
import type { Loaded } from '../base/query';
import { Icon } from '../widgets/icon';
import { ErrorNote, Skeleton } from '../widgets/states';
import { createPlot, type Hover, type Plot, type PlotPoint, type PlotSeries } from './plot';

export interface ChartData {
  times: number[];
  series: PlotSeries[];
  points?: PlotPoint[];
}

export interface TimeChartProps {
  title: string;
  /** What the numbers are, in a few words. */
  note?: string | undefined;
  unit: Unit;
  loaded: Loaded<ChartData>;
  /** What an empty chart says. */
  empty?: string | undefined;
  height?: number;
  stacked?: boolean;
  atLeast?: number;
  /** The figure beside the title; the last value of the first series unless given. */
  headline?: string | undefined;
}

export function last(values: (number | null)[]): number | null {
  // The newest point is often not complete yet: the one before it serves where it is missing.
  for (let i = values.length - 1; i >= 0 && i >= values.length - 3; i--) {
    const value = values[i];
    if (value != null) return value;
  }
  return null;
}

const hasData = (data: ChartData | undefined) =>
  !!data && data.series.some((series) => series.values.some((value) => value != null));

export function TimeChart(props: TimeChartProps) {
  const { title, loaded, unit } = props;
  const [asTable, setAsTable] = useState(false);
  const format = formatter(unit);
  const data = loaded.data;
  const filled = hasData(data);
  const height = props.height ?? 156;
  const first = data?.series[0];
  const headline = props.headline ?? (first && filled ? format(last(first.values)) : '');
  return (
    <section class="card chart" aria-label={title}>
      <header class="chart-head">
        <h3>{title}</h3>
        {props.note && <span class="muted small">{props.note}</span>}
        <span class="spacer" />
        {headline && <strong class="figure">{headline}</strong>}
        {filled && (
          <button
            class="icon-button"
            aria-pressed={asTable}
            title={asTable ? 'Show as chart' : 'Show as table'}
            aria-label={`${title}: show as ${asTable ? 'chart' : 'table'}`}
            onClick={() => setAsTable(!asTable)}
          >
            <Icon name={asTable ? 'chart' : 'table'} />
          </button>
        )}
      </header>
      {loaded.error && !data ? (
        <ErrorNote error={loaded.error} />
      ) : !data ? (
        <Skeleton height={height + 24} />
      ) : !filled ? (
        <div class="chart-empty muted" style={{ height: `${height + 24}px` }}>
          {props.empty ?? 'Nothing in this time range.'}
        </div>
      ) : asTable ? (
        <ChartTable data={data} format={format} />
      ) : (
        <Canvas {...props} data={data} height={height} format={format} />
      )}
    </section>
  );
}

interface CanvasProps extends TimeChartProps {
  data: ChartData;
  height: number;
  format: (value: number | null | undefined) => string;
}

function summary(title: string, data: ChartData, format: CanvasProps['format']): string {
  const parts = data.series.map(({ name, values }) => {
    const known = values.filter((value) => value != null);
    if (!known.length) return `${name} without data`;
    const [low, high] = [Math.min(...known), Math.max(...known)];
    return `${name} ${format(last(values))} now, between ${format(low)} and ${format(high)}`;
  });
  return `${title}: ${parts.join('; ')}`;
}

function Canvas(props: CanvasProps) {
  const { data, height, format, title } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const [hover, setHover] = useState<Hover | null>(null);
  const spec = {
    times: data.times,
    series: data.series,
    format,
    points: data.points ?? [],
    atLeast: props.atLeast ?? 0,
    stacked: props.stacked ?? false,
    height,
    onZoom: zoomTo,
  };
  // Another set of series or another theme needs another plot; new numbers do not.
  const shape = data.series.map((series) => `${series.name}/${series.color}`).join('|');

  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return;
    const made = createPlot(element, spec, element.clientWidth, setHover);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setWidth(element.clientWidth));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [shape, theme.value, height]);
  useEffect(() => plot.current?.setData(spec), [data]);

  return (
    <>
      <div class="plot" style={{ minHeight: `${height}px` }}>
        <div ref={host} role="img" aria-label={summary(title, data, format)} />
        {hover && <Tooltip hover={hover} data={data} format={format} />}
      </div>
      <ul class="legend" hidden={data.series.length < 2 && !data.points?.length}>
        {data.series.map((series) => (
          <li key={series.name}>
            <i class={`swatch bg-${series.color}`} />
            {series.name}
          </li>
        ))}
        {!!data.points?.length && (
          <li class="muted">
            <i class="diamond" />
            example traces
          </li>
        )}
      </ul>
    </>
  );
}

function Tooltip({ hover, data, format }: { hover: Hover } & Pick<CanvasProps, 'data' | 'format'>) {
  const right = hover.left > 260;
  return (
    <div
      class={`tooltip ${right ? 'to-left' : ''}`}
      style={{ left: `${hover.left}px`, top: `${hover.top}px` }}
    >
      <div class="muted">{clock(hover.time * 1000, false)}</div>
      {data.series.map((series) => (
        <div class="tooltip-row" key={series.name}>
          <i class={`swatch bg-${series.color}`} />
          <span>{series.name}</span>
          <b>{format(series.values[hover.index])}</b>
        </div>
      ))}
      {hover.point && <div class="tooltip-point">{hover.point.label}</div>}
    </div>
  );
}

function ChartTable({ data, format }: Pick<CanvasProps, 'data' | 'format'>) {
  const rows = data.times.map((time, i) => ({ time, i })).reverse();
  return (
    <div class="chart-table" tabIndex={0}>
      <table class="table dense">
        <thead>
          <tr>
            <th scope="col">Time</th>
            {data.series.map((series) => (
              <th scope="col" class="num" key={series.name}>
                {series.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, i }) => (
            <tr key={time}>
              <td>{moment(time * 1000)}</td>
              {data.series.map((series) => (
                <td class="num" key={series.name}>
                  {format(series.values[i])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
