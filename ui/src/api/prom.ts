// Prometheus's HTTP API: instant and range queries as typed numbers.
import type { Range } from '../base/time_range';
import { getJson } from './http';

export type Labels = Record<string, string>;

export interface Sample {
  labels: Labels;
  value: number;
}

/** A series on a grid: one value for each of `times`, null where there is none. */
export interface Line {
  labels: Labels;
  values: (number | null)[];
}

export interface Grid {
  times: number[];
  lines: Line[];
}

interface Answer<R> {
  data: { resultType: string; result: R };
}
type VectorItem = { metric: Labels; value: [number, string] };
type MatrixItem = { metric: Labels; values: [number, string][] };

/** Prometheus writes numbers as text; what is not finite has no place on a chart. */
export function parseValue(text: string): number | null {
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

export async function instant(expr: string, time: number, abort?: AbortSignal): Promise<Sample[]> {
  const answer = await getJson<Answer<VectorItem[]>>('/api/v1/query', { query: expr, time }, abort);
  return answer.data.result.flatMap((item) => {
    const value = parseValue(item.value[1]);
    return value == null ? [] : [{ labels: item.metric, value }];
  });
}

/** The times a range query answers for. */
export function gridTimes(range: Range): number[] {
  const times: number[] = [];
  for (let t = range.from; t <= range.to + 1e-9; t += range.step) times.push(t);
  return times;
}

export function toLine(labels: Labels, points: [number, string][], range: Range): Line {
  const size = Math.floor((range.to - range.from) / range.step + 1e-9) + 1;
  const values = new Array<number | null>(size).fill(null);
  for (const [time, text] of points) {
    const index = Math.round((time - range.from) / range.step);
    if (index >= 0 && index < size) values[index] = parseValue(text);
  }
  return { labels, values };
}

export async function overTime(expr: string, range: Range, abort?: AbortSignal): Promise<Grid> {
  const answer = await getJson<Answer<MatrixItem[]>>(
    '/api/v1/query_range',
    { query: expr, start: range.from, end: range.to, step: range.step },
    abort,
  );
  return {
    times: gridTimes(range),
    lines: answer.data.result.map((item) => toLine(item.metric, item.values, range)),
  };
}

export interface MetricMeta {
  type: string;
  help: string;
  unit: string;
}

export async function metadata(abort?: AbortSignal): Promise<Record<string, MetricMeta>> {
  const answer = await getJson<{ data: Record<string, MetricMeta[]> }>(
    '/api/v1/metadata',
    {},
    abort,
  );
  const found: Record<string, MetricMeta> = {};
  for (const [name, entries] of Object.entries(answer.data)) {
    if (entries[0]) found[name] = entries[0];
  }
  return found;
}

export interface Exemplar {
  time: number;
  value: number;
  traceId: string;
  spanId: string;
}

type ExemplarItem = { exemplars: { labels: Labels; value: string; timestamp: number }[] };

/** Exemplars that name a trace. Extra, never needed: none where the server has none to give. */
export async function exemplars(
  expr: string,
  range: Range,
  abort?: AbortSignal,
): Promise<Exemplar[]> {
  const answer = await getJson<{ data: ExemplarItem[] }>(
    '/api/v1/query_exemplars',
    { query: expr, start: range.from, end: range.to },
    abort,
  ).catch(() => ({ data: [] }));
  return answer.data.flatMap((series) =>
    series.exemplars.flatMap(({ labels, value, timestamp }) => {
      const traceId = labels.trace_id ?? labels.traceID ?? '';
      const number = parseValue(value);
      if (!traceId || number == null) return [];
      return [{ time: timestamp, value: number, traceId, spanId: labels.span_id ?? '' }];
    }),
  );
}

/** A label value inside a double-quoted PromQL string. */
export function quote(value: string): string {
  return `"${value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')}"`;
}

/** `{a="1",b=~"x"}` of matchers that are there. */
export function selector(matchers: (string | false | null | undefined)[]): string {
  const present = matchers.filter(Boolean);
  return present.length ? `{${present.join(',')}}` : '';
}
