// What the services lean on, from the spans of their calls: databases, caches, other services.
import { quote, selector } from '../../api/prom';
import { kClientKind, kSpanBuckets, kSpanCalls, kSpanFailed, kSpanService } from '../../api/red';
import type { State } from '../../api/vedette';
import { duration, percent } from '../../base/format';

export type Kind = 'database' | 'external';

export const kLabel: Record<Kind, string> = {
  database: 'db_system_name',
  external: 'server_address',
};

function matchers(kind: Kind, service: string, more: string[] = []): string {
  return selector([
    service && `${kSpanService}=${quote(service)}`,
    ...(kind === 'database'
      ? ['db_system_name!=""']
      : [kClientKind, 'server_address!=""', 'db_system_name=""']),
    ...more,
  ]);
}

export function calls(kind: Kind, service: string, window: string, by: string[]): string {
  return `sum by (${by.join(', ')}) (rate(${kSpanCalls}${matchers(kind, service)}[${window}]))`;
}

export function failedRatio(kind: Kind, service: string, window: string, by: string[]): string {
  const failed = matchers(kind, service, [kSpanFailed]);
  const all = calls(kind, service, window, by);
  return (
    `(sum by (${by.join(', ')}) (rate(${kSpanCalls}${failed}[${window}])) or ${all} * 0)` +
    ` / (${all} > 0)`
  );
}

export function latency(kind: Kind, service: string, q: number, window: string, by: string[]) {
  const buckets = `rate(${kSpanBuckets}${matchers(kind, service)}[${window}])`;
  return `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${buckets}))`;
}

const cache = (service: string, more: string[] = []) =>
  `cache_requests_total${selector([service && `job=${quote(service)}`, ...more])}`;

export function hitRatio(service: string, window: string): string {
  const all = `sum(rate(${cache(service)}[${window}]))`;
  return `(sum(rate(${cache(service, ['result="hit"'])}[${window}])) or ${all} * 0) / (${all} > 0)`;
}

export const lookups = (service: string, window: string) =>
  `sum(rate(${cache(service)}[${window}]))`;

export interface Dependency {
  kind: Kind;
  name: string;
  rate: number;
  errors: number | null;
  p50: number | null;
  p95: number | null;
}

export function dependencyState(row: Dependency, seconds: number): State {
  if (row.rate * (row.errors ?? 0) * seconds < 5) return 'healthy';
  if (row.errors! >= 0.05) return 'broken';
  return row.errors! >= 0.01 ? 'degrading' : 'healthy';
}

/** The page's answer: what fails, else how fast everything is. */
export function dependencyVerdict(
  rows: Dependency[],
  hits: number | null,
  seconds: number,
): { state: State; sentence: string } {
  const bad = rows
    .filter((row) => dependencyState(row, seconds) !== 'healthy')
    .sort((a, b) => (b.errors ?? 0) - (a.errors ?? 0));
  if (bad[0]) {
    const states = bad.map((row) => dependencyState(row, seconds));
    const sentence = bad
      .slice(0, 2)
      .map((row) => `${percent(row.errors)} of calls to ${row.name} fail`)
      .join(', ');
    return { state: states.includes('broken') ? 'broken' : 'degrading', sentence: `${sentence}.` };
  }
  if (!rows.length && hits == null) {
    return {
      state: 'unknown',
      sentence: 'No call to a database, a cache or another service was seen.',
    };
  }
  const facts = rows
    .filter((row) => row.p95 != null)
    .map((row) => `${row.name} within ${duration(row.p95)}`)
    .slice(0, 4);
  const speed = facts.length ? `: ${facts.join(', ')} (p95)` : '';
  const cache = hits == null ? '' : `; ${percent(hits)} of cache look-ups hit`;
  return { state: 'healthy', sentence: `Everything answers${speed}${cache}.` };
}
