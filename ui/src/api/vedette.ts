// Vedette's own API, /vedette/v1: traces, logs, health. Types are those of docs/api.md.
import { getJson } from './http';

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type Attributes = Record<string, Json>;
export type State = 'healthy' | 'degrading' | 'broken' | 'unknown';

/** A moment in nanoseconds, as text, in milliseconds with fractions. */
export function toMs(ns: string): number {
  const digits = ns.length - 6;
  if (digits <= 0) return Number(ns) / 1e6;
  return Number(`${ns.slice(0, digits)}.${ns.slice(digits)}`);
}

/** Nanoseconds from `base` to `ns`, exact as long as they are not months apart. */
export function nsBetween(base: string, ns: string): number {
  return Number(BigInt(ns) - BigInt(base));
}

export interface ServiceInfo {
  name: string;
  spans: number;
  errors: number;
  logs: number;
}

export interface ServiceCount {
  name: string;
  spans: number;
}

export interface TraceSummary {
  trace_id: string;
  start_ns: string;
  duration_ns: number;
  root_service: string;
  root_name: string;
  has_root: boolean;
  spans: number;
  errors: number;
  services: ServiceCount[];
}

export interface SpanEvent {
  time_ns: string;
  name: string;
  attributes: Attributes;
}

export interface SpanLink {
  trace_id: string;
  span_id: string;
  attributes: Attributes;
}

export interface Span {
  span_id: string;
  parent_span_id: string;
  name: string;
  kind: string;
  status: string;
  status_message: string;
  start_ns: string;
  duration_ns: number;
  resource: number;
  scope: number;
  trace_state: string;
  attributes: Attributes;
  events: SpanEvent[];
  links: SpanLink[];
}

export interface Trace {
  trace_id: string;
  start_ns: string;
  duration_ns: number;
  root_service: string;
  root_name: string;
  has_root: boolean;
  errors: number;
  logs: number;
  services: ServiceCount[];
  resources: { service: string; attributes: Attributes }[];
  scopes: { name: string; version: string }[];
  spans: Span[];
}

export interface LogRecord {
  time_ns: string;
  severity: string;
  severity_number: number;
  service: string;
  body: Json;
  event_name: string;
  trace_id: string;
  span_id: string;
  attributes: Attributes;
  resource: Attributes;
}

export interface Histogram<K extends string> {
  start_ns: string;
  step_ns: number;
  series: ({ counts: number[] } & Record<K, string>)[];
}

export interface Cause {
  kind: 'errors' | 'latency' | 'dependency' | 'target';
  state: State;
  sentence: string;
  subject: string;
  value: number;
  usual: number | null;
  since_ns: string;
  trace_id: string;
}

export interface ServiceVerdict {
  service: string;
  state: State;
  sentence: string;
  since_ns: string;
  requests_per_second: number | null;
  error_ratio: number | null;
  p95_seconds: number | null;
  causes: Cause[];
}

export interface Verdict {
  state: State;
  sentence: string;
  since_ns: string;
  time_ns: string;
  services: ServiceVerdict[];
  targets: { job: string; instance: string; state: State; sentence: string }[];
}

export interface Target {
  job: string;
  instance: string;
  url: string;
  health: 'up' | 'down' | 'unknown';
  last_scrape_ns: string;
  last_duration_ns: number;
  last_error: string;
  samples: number;
}

/** Seconds since 1970, half open. */
interface Between {
  start?: number | undefined;
  end?: number | undefined;
}

export interface TraceQuery extends Between {
  service?: string | undefined;
  operation?: string | undefined;
  kind?: string | undefined;
  status?: string | undefined;
  min_duration?: string | undefined;
  max_duration?: string | undefined;
  root?: string | undefined;
  attr?: readonly string[] | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

export interface LogQuery extends Between {
  service?: string | undefined;
  severity?: string | undefined;
  trace_id?: string | undefined;
  span_id?: string | undefined;
  q?: string | undefined;
  attr?: readonly string[] | undefined;
  order?: 'newest' | 'oldest' | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
}

const kBase = '/vedette/v1';

export const services = (start: number, end: number, abort?: AbortSignal) =>
  getJson<{ services: ServiceInfo[] }>(`${kBase}/services`, { start, end }, abort).then(
    (answer) => answer.services,
  );

export const operations = (service: string, start: number, end: number, abort?: AbortSignal) =>
  getJson<{ operations: { name: string; spans: number; errors: number }[] }>(
    `${kBase}/operations`,
    { service, start, end, limit: 200 },
    abort,
  ).then((answer) => answer.operations);

export const fields = (table: 'spans' | 'logs', start: number, end: number, abort?: AbortSignal) =>
  getJson<{ fields: string[] }>(`${kBase}/fields`, { table, start, end }, abort).then(
    (answer) => answer.fields,
  );

export const searchTraces = (query: TraceQuery, abort?: AbortSignal) =>
  getJson<{ traces: TraceSummary[]; next: string | null }>(`${kBase}/traces`, { ...query }, abort);

export const traceById = (id: string, abort?: AbortSignal) =>
  getJson<Trace>(`${kBase}/traces/${encodeURIComponent(id)}`, {}, abort);

export const traceHistogram = (query: TraceQuery, buckets: number, abort?: AbortSignal) =>
  getJson<Histogram<'status'>>(`${kBase}/traces/histogram`, { ...query, buckets }, abort);

export const searchLogs = (query: LogQuery, abort?: AbortSignal) =>
  getJson<{ logs: LogRecord[]; next: string | null }>(`${kBase}/logs`, { ...query }, abort);

export const logHistogram = (query: LogQuery, buckets: number, abort?: AbortSignal) =>
  getJson<Histogram<'severity'>>(`${kBase}/logs/histogram`, { ...query, buckets }, abort);

/** `time`: seconds since 1970; now where it is not given. */
export const verdict = (service: string, time: number | undefined, abort?: AbortSignal) =>
  getJson<Verdict>(`${kBase}/verdict`, { service, time }, abort);

export const targets = (abort?: AbortSignal) =>
  getJson<{ targets: Target[] }>(`${kBase}/targets`, {}, abort).then((answer) => answer.targets);
