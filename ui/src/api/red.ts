// PromQL for rate, errors and duration of a service. An app's own http_* metrics come first; what the server
// derives from spans (traces_span_metrics_*) serves services that have none.
import { instant, quote, selector } from './prom';

/** Names the two sources give to the same things. */
interface Names {
  total: string;
  buckets: string;
  service: string;
  /** Matchers for the requests a service serves, health and metrics routes left out. */
  served: string[];
  failed: string;
  /** Labels that make an endpoint. */
  endpoint: string[];
}

export type Source = 'app' | 'spans';

export const kSpanCalls = 'traces_span_metrics_calls_total';
export const kSpanBuckets = 'traces_span_metrics_duration_seconds_bucket';
export const kSpanCount = 'traces_span_metrics_duration_seconds_count';
export const kSpanService = 'service_name';
export const kServerKind = 'span_kind="SPAN_KIND_SERVER"';
export const kClientKind = 'span_kind="SPAN_KIND_CLIENT"';
export const kSpanFailed = 'status_code="STATUS_CODE_ERROR"';

/** Routes that say nothing about customers; the verdict leaves out the same. */
const kUncounted = '/(health|healthz|livez|readyz|ready|live|metrics|ping)(/.*)?';

export const kNames: Record<Source, Names> = {
  app: {
    total: 'http_requests_total',
    buckets: 'http_request_duration_seconds_bucket',
    service: 'job',
    served: [`path!~"${kUncounted}"`],
    failed: 'status=~"5.."',
    endpoint: ['method', 'path'],
  },
  spans: {
    total: kSpanCalls,
    buckets: kSpanBuckets,
    service: kSpanService,
    served: [kServerKind, `span_name!~"([A-Z]+ )?${kUncounted}"`],
    failed: kSpanFailed,
    endpoint: ['span_name'],
  },
};

/** Which services have which metrics. */
export interface Sources {
  app: Set<string>;
  spans: Set<string>;
}

export async function findSources(time: number, window: string, abort?: AbortSignal) {
  const ask = async (source: Source) => {
    const { total, service, served } = kNames[source];
    const expr = `group by (${service}) (last_over_time(${total}${selector(served)}[${window}]))`;
    const samples = await instant(expr, time, abort);
    return new Set(samples.map((s) => s.labels[service] ?? '').filter(Boolean));
  };
  const [app, spans] = await Promise.all([ask('app'), ask('spans')]);
  return { app, spans };
}

/** The source that speaks for a service; for all of them ('') the one that knows more, the app's first. */
export function sourceFor(sources: Sources, service: string): Source {
  if (service) return sources.app.has(service) || !sources.spans.has(service) ? 'app' : 'spans';
  return sources.app.size >= sources.spans.size ? 'app' : 'spans';
}

/** One endpoint's labels, or none for all. */
export type Endpoint = Record<string, string>;

export class Red {
  private readonly names: Names;

  constructor(
    readonly source: Source,
    private readonly service = '',
    private readonly endpoint: Endpoint = {},
  ) {
    this.names = kNames[source];
  }

  get serviceLabel(): string {
    return this.names.service;
  }

  get endpointLabels(): string[] {
    return this.names.endpoint;
  }

  private matchers(more: string[] = []): string {
    const { service, served } = this.names;
    return selector([
      this.service && `${service}=${quote(this.service)}`,
      ...served,
      ...Object.entries(this.endpoint).map(([name, value]) => `${name}=${quote(value)}`),
      ...more,
    ]);
  }

  private by(labels: string[]): string {
    return labels.length ? ` by (${labels.join(', ')})` : '';
  }

  rate(window: string, by: string[] = []): string {
    return `sum${this.by(by)} (rate(${this.names.total}${this.matchers()}[${window}]))`;
  }

  /** Failures a second; zero, not nothing, where there are requests and none fails. */
  errors(window: string, by: string[] = []): string {
    const failed = this.matchers([this.names.failed]);
    return (
      `(sum${this.by(by)} (rate(${this.names.total}${failed}[${window}]))` +
      ` or ${this.rate(window, by)} * 0)`
    );
  }

  errorRatio(window: string, by: string[] = []): string {
    return `${this.errors(window, by)} / (${this.rate(window, by)} > 0)`;
  }

  quantile(q: number, window: string, by: string[] = []): string {
    const buckets = `rate(${this.names.buckets}${this.matchers()}[${window}])`;
    return `histogram_quantile(${q}, sum by (${['le', ...by].join(', ')}) (${buckets}))`;
  }

  /** Where exemplars may be: on the histogram itself, and on the one the server makes of the same spans. */
  exemplarSelectors(): string[] {
    const own = `${this.names.buckets}${this.matchers()}`;
    if (this.source === 'spans') return [own];
    const { method, path } = this.endpoint;
    const span: Endpoint = method ? { span_name: `${method} ${path ?? ''}` } : {};
    return [own, ...new Red('spans', this.service, span).exemplarSelectors()];
  }
}

/** Per service from both sources, the app's first, with the service in the label `service`. */
export function perService(build: (red: Red) => string): string {
  const one = (source: Source) =>
    `label_replace(${build(new Red(source))}, "service", "$1", "${kNames[source].service}", "(.*)")`;
  // `or` compares whole label sets: both sides must carry the label `service` alone.
  return `sum by (service) (${one('app')}) or sum by (service) (${one('spans')})`;
}
