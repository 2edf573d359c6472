// Which metrics are of the business and not of the machinery, and how to ask for them.
import type { MetricMeta } from '../../api/prom';
import { quote, selector } from '../../api/prom';
import type { State } from '../../api/vedette';
import { count, money, percent } from '../../base/format';

/** Families of runtimes, frameworks and of this server; what is left was put there by somebody with a purpose. */
const kTechnical =
  /^(http|process|python|traces|scrape|vedette|target|go|promhttp|cache|db|rpc|otel|asyncio|asgi|gunicorn|uvicorn|jvm|nodejs|node|system|net|grpc|redis|postgres|pg|sqlalchemy|prometheus)_|^up$|_created$/;

/** Those the page shows by name, above the others. */
const kShown = new Set([
  'orders_created_total',
  'order_value_cents',
  'payment_failures_total',
  'user_signups_total',
  'active_users_current',
]);

export interface BusinessMetric {
  family: string;
  help: string;
  type: 'counter' | 'gauge' | 'histogram';
}

export function otherMetrics(all: Record<string, MetricMeta>): BusinessMetric[] {
  return Object.entries(all)
    .filter(([name]) => !kTechnical.test(name) && !kShown.has(name) && !kShown.has(`${name}_total`))
    .flatMap(([family, { type, help }]) =>
      type === 'counter' || type === 'gauge' || type === 'histogram'
        ? [{ family, help, type } as BusinessMetric]
        : [],
    )
    .sort((a, b) => a.family.localeCompare(b.family));
}

const of = (service: string, more: string[] = []) =>
  selector([service && `job=${quote(service)}`, ...more]);

/** "orders_created_total" → "Orders created". */
export function title(family: string): string {
  const words = family.replace(/_(total|current|count)$/, '').replace(/_/g, ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Counters and histograms per hour, gauges as they stand; apart by the metric's own labels. */
export function otherExpr(metric: BusinessMetric, service: string, window: string): string {
  const apart = 'sum without (instance, job, service_name, le)';
  const total = metric.family.endsWith('_total') ? metric.family : `${metric.family}_total`;
  if (metric.type === 'counter') return `${apart} (rate(${total}${of(service)}[${window}])) * 3600`;
  if (metric.type === 'histogram')
    return `${apart} (rate(${metric.family}_count${of(service)}[${window}])) * 3600`;
  return `${apart} (${metric.family}${of(service)})`;
}

export function businessQueries(service: string, window: string) {
  const rate = (metric: string, by = '') => `sum${by} (rate(${metric}${of(service)}[${window}]))`;
  const orders = rate('orders_created_total');
  const failures = `(${rate('payment_failures_total')} or ${orders} * 0)`;
  return {
    orders: `${orders} * 3600`,
    revenue: `${rate('order_value_cents_sum')} * 3600`,
    methods: `${rate('orders_created_total', ' by (payment_method)')}` + ` / scalar(${orders})`,
    success: `${orders} / ((${orders} + ${failures}) > 0)`,
    reasons: `${rate('payment_failures_total', ' by (reason)')} * 3600`,
    signups: `${rate('user_signups_total')} * 3600`,
    active: `sum(active_users_current${of(service)})`,
  };
}

export interface Figures {
  orders: number | null;
  revenue: number | null;
  success: number | null;
  signups: number | null;
}

/** The page's answer: what the business does, and whether customers can pay. */
export function businessVerdict(now: Figures): { state: State; sentence: string } {
  if (now.orders == null) {
    return { state: 'unknown', sentence: 'No order was counted in this time.' };
  }
  const worth = now.revenue == null ? '' : `, worth ${money(now.revenue)} an hour`;
  const orders =
    now.orders === 0 ? 'No order comes in' : `${count(now.orders)} orders an hour${worth}`;
  if (now.success == null) {
    return { state: now.orders === 0 ? 'unknown' : 'healthy', sentence: `${orders}.` };
  }
  const state = now.success < 0.8 ? 'broken' : now.success < 0.95 ? 'degrading' : 'healthy';
  const paid =
    state === 'healthy'
      ? `${percent(now.success)} of payments succeed`
      : `only ${percent(now.success)} of payments succeed`;
  return { state, sentence: `${orders}; ${paid}.` };
}
