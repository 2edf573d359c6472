// The endpoints of all services in the chosen time, from the two sources of figures.
import { instant, type Sample } from '../../api/prom';
import {
  kNames,
  kSpanCalls,
  kSpanFailed,
  kServerKind,
  Red,
  type Source,
  type Sources,
} from '../../api/red';
import { quote, selector } from '../../api/prom';
import type { State } from '../../api/vedette';
import { duration, percent, plural } from '../../base/format';

export interface EndpointRow {
  /** For the address bar: service, then the endpoint's labels. */
  id: string;
  source: Source;
  service: string;
  labels: Record<string, string>;
  /** 'POST /orders': the span's name as well. */
  name: string;
  rate: number;
  errors: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
  /** What its failures are, most frequent first: '503', 'ReadTimeout'. */
  types: { name: string; rate: number }[];
}

const kFigures = ['rate', 'errors', 'p50', 'p95', 'p99'] as const;

function endpointLabels(source: Source, labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(kNames[source].endpoint.map((name) => [name, labels[name] ?? '']));
}

export function rowId(source: Source, service: string, labels: Record<string, string>): string {
  return [source, service, ...kNames[source].endpoint.map((name) => labels[name] ?? '')].join('|');
}

export function mergeRows(source: Source, samples: Record<string, Sample[]>): EndpointRow[] {
  const rows = new Map<string, EndpointRow>();
  for (const figure of kFigures) {
    for (const { labels, value } of samples[figure] ?? []) {
      const service = labels[kNames[source].service] ?? '';
      const own = endpointLabels(source, labels);
      const id = rowId(source, service, own);
      let row = rows.get(id);
      if (!row) {
        row = {
          ...{ id, source, service, labels: own, name: Object.values(own).join(' ') },
          ...{ rate: 0, errors: null, p50: null, p95: null, p99: null, types: [] },
        };
        rows.set(id, row);
      }
      row[figure] = value;
    }
  }
  return [...rows.values()].filter((row) => row.rate > 0);
}

/** Adds statuses (of the app's metrics) and error types (of its spans) to the rows they belong to. */
export function addTypes(rows: EndpointRow[], statuses: Sample[], errorTypes: Sample[]): void {
  const find = (service: string | undefined, name: string) =>
    rows.find((row) => row.service === service && row.name === name);
  for (const { labels, value } of statuses) {
    const row = find(labels.job, `${labels.method} ${labels.path}`);
    if (row && value > 0) row.types.push({ name: labels.status ?? '', rate: value });
  }
  for (const { labels, value } of errorTypes) {
    const row = find(labels.service_name, labels.span_name ?? '');
    // A type that only repeats the status says nothing new.
    const known = row?.types.some((type) => type.name === labels.error_type);
    if (row && value > 0 && !known) row.types.push({ name: labels.error_type!, rate: value });
  }
  for (const row of rows) row.types.sort((a, b) => b.rate - a.rate);
}

export interface Question {
  sources: Sources;
  service: string;
  time: number;
  /** Seconds before `time` that are looked at. */
  seconds: number;
}

async function loadSource(
  source: Source,
  { service, time, seconds }: Question,
  abort: AbortSignal,
) {
  const red = new Red(source, service);
  const window = `${seconds}s`;
  const by = [red.serviceLabel, ...red.endpointLabels];
  const exprs = {
    rate: red.rate(window, by),
    errors: red.errorRatio(window, by),
    p50: red.quantile(0.5, window, by),
    p95: red.quantile(0.95, window, by),
    p99: red.quantile(0.99, window, by),
  };
  const answers = await Promise.all(Object.values(exprs).map((expr) => instant(expr, time, abort)));
  const samples = Object.fromEntries(Object.keys(exprs).map((name, i) => [name, answers[i]!]));
  return mergeRows(source, samples);
}

/** Rows without error types. */
export async function loadRows(question: Question, abort: AbortSignal): Promise<EndpointRow[]> {
  const { sources, service } = question;
  const uncovered = service
    ? !sources.app.has(service)
    : [...sources.spans].some((name) => !sources.app.has(name));
  const [app, spans] = await Promise.all([
    loadSource('app', question, abort),
    uncovered ? loadSource('spans', question, abort) : [],
  ]);
  return [...app, ...spans.filter((row) => !sources.app.has(row.service))];
}

export async function loadEndpoints(
  question: Question,
  abort: AbortSignal,
): Promise<EndpointRow[]> {
  const { service, time, seconds } = question;
  const statuses = selector([
    service && `job=${quote(service)}`,
    ...kNames.app.served,
    'status=~"[45].."',
  ]);
  const types = selector([
    service && `service_name=${quote(service)}`,
    ...[kServerKind, kSpanFailed, 'error_type!=""'],
  ]);
  const byStatus = `sum by (job, method, path, status) (rate(http_requests_total${statuses}[${seconds}s]))`;
  const byType = `sum by (service_name, span_name, error_type) (rate(${kSpanCalls}${types}[${seconds}s]))`;
  const [rows, ...counts] = await Promise.all([
    loadRows(question, abort),
    instant(byStatus, time, abort),
    instant(byType, time, abort),
  ]);
  addTypes(rows, counts[0], counts[1]);
  return rows;
}

const kMinFailures = 5;

/** How an endpoint does; a handful of failures in little traffic is not yet a state. */
export function endpointState(row: EndpointRow, seconds: number): State {
  const failures = row.rate * (row.errors ?? 0) * seconds;
  if (failures < kMinFailures) return 'healthy';
  if (row.errors! >= 0.05) return 'broken';
  return row.errors! >= 0.01 ? 'degrading' : 'healthy';
}

/** The page's answer: the worst endpoints by name, or that there are none. */
export function endpointVerdict(
  rows: EndpointRow[],
  seconds: number,
): { state: State; sentence: string } {
  if (!rows.length) return { state: 'unknown', sentence: 'No request was served in this time.' };
  const bad = rows
    .filter((row) => endpointState(row, seconds) !== 'healthy')
    .sort((a, b) => b.rate * b.errors! - a.rate * a.errors!);
  const worst = bad[0];
  if (worst) {
    const others =
      bad.length > 1 ? `, and ${plural(bad.length - 1, 'other endpoint')} too often` : '';
    const state = bad.some((row) => endpointState(row, seconds) === 'broken')
      ? 'broken'
      : 'degrading';
    return {
      state,
      sentence: `${worst.name} fails ${percent(worst.errors)} of its requests${others}.`,
    };
  }
  const slowest = rows.reduce((a, b) => ((b.p95 ?? 0) > (a.p95 ?? 0) ? b : a));
  const all =
    rows.length === 1
      ? 'The one endpoint answers as it should.'
      : `All ${rows.length} endpoints answer as they should.`;
  const slow =
    slowest.p95 == null ? '' : ` The slowest is ${slowest.name}: p95 ${duration(slowest.p95)}.`;
  return { state: 'healthy', sentence: `${all}${slow}` };
}

/** The verdict of the last minutes, and a word on the whole time where that was worse. */
export function verdictOver(
  recent: { rows: EndpointRow[]; seconds: number },
  whole: { rows: EndpointRow[]; seconds: number },
): { state: State; sentence: string } {
  const now = endpointVerdict(recent.rows, recent.seconds);
  const over = endpointVerdict(whole.rows, whole.seconds);
  if (now.state !== 'healthy' || over.state === 'healthy' || over.state === 'unknown') return now;
  return { state: now.state, sentence: `${now.sentence} Over the whole time: ${over.sentence}` };
}
