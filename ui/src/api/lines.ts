// Charts from PromQL: a few named lines, or one line for each value of a label.
import { range, tick } from '../base/time_range';
import { useQuery, type Loaded } from '../base/query';
import { duration } from '../base/format';
import { href, navigate } from '../base/router';
import { seriesColor } from '../base/colors';
import type { ChartData } from '../charts/time_chart';
import type { PlotSeries } from '../charts/plot';
import { exemplars, overTime, type Labels, type Line } from './prom';

export interface LineSpec {
  name: string;
  color: string;
  expr: string;
  fill?: boolean;
}

/** One line per expression. `exemplarsOf`: selectors whose exemplars are drawn as points. */
export function useLines(lines: LineSpec[], exemplarsOf: string[] = []): Loaded<ChartData> {
  const now = range.value;
  const key = `${lines.map((line) => line.expr).join('\n')}\n${now.from} ${now.to}`;
  return useQuery(key, tick.value, async (abort) => {
    const [grids, examples] = await Promise.all([
      Promise.all(lines.map((line) => overTime(line.expr, now, abort))),
      Promise.all(exemplarsOf.map((one) => exemplars(one, now, abort))),
    ]);
    return {
      times: grids[0]?.times ?? [],
      series: lines.map((line, i) => ({
        name: line.name,
        color: line.color,
        fill: line.fill ?? false,
        values: grids[i]!.lines[0]?.values ?? grids[i]!.times.map(() => null),
      })),
      points: thin(examples.flat(), 40).map((example) => ({
        time: example.time,
        value: example.value,
        label: `Click: a trace of ${duration(example.value)}`,
        open: () => navigate(href(`/traces/${example.traceId}`, { span: example.spanId })),
      })),
    };
  });
}

/** At most `count` of them, the largest values, which are the ones worth opening. */
function thin<T extends { value: number }>(items: T[], count: number): T[] {
  return items.length <= count
    ? items
    : [...items].sort((a, b) => b.value - a.value).slice(0, count);
}

const sum = (line: Line) => line.values.reduce<number>((total, value) => total + (value ?? 0), 0);

/** The largest `count` lines in a stable order, named by `nameOf`. */
export function topLines(lines: Line[], count: number, nameOf: (labels: Labels) => string) {
  return [...lines]
    .sort((a, b) => sum(b) - sum(a))
    .slice(0, count)
    .map((line) => ({ ...line, name: nameOf(line.labels) }))
    .sort((a, b) => a.name.localeCompare(b.name));
}

interface Grouping {
  expr: string;
  nameOf: (labels: Labels) => string;
  colorOf?: (name: string, index: number) => string;
  count?: number;
}

export function useGrouped(grouping: Grouping): Loaded<ChartData> {
  const now = range.value;
  return useQuery(`${grouping.expr}\n${now.from} ${now.to}`, tick.value, async (abort) => {
    const grid = await overTime(grouping.expr, now, abort);
    const color = grouping.colorOf ?? ((_name: string, i: number) => seriesColor(i));
    const series: PlotSeries[] = topLines(grid.lines, grouping.count ?? 8, grouping.nameOf).map(
      (line, i) => ({
        name: line.name || '(none)',
        values: line.values,
        color: color(line.name, i),
      }),
    );
    return { times: grid.times, series };
  });
}
