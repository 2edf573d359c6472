// What the software is there for: orders, revenue, payments, sign-ups, and every other metric an app counts.
import { service, silent } from '../../api/context';
import { useGrouped, useLines } from '../../api/lines';
import { instant, metadata } from '../../api/prom';
import { count, plural } from '../../base/format';
import { useQuery } from '../../base/query';
import { range, rateWindow, recentSeconds, tick } from '../../base/time_range';
import { TimeChart } from '../../charts/time_chart';
import { ErrorNote, FirstSteps, Skeleton, Verdict } from '../../widgets/states';
import {
  businessQueries,
  businessVerdict,
  otherExpr,
  otherMetrics,
  title,
  type BusinessMetric,
} from './metrics';

const kHowTo = `from vedette.prometheus import Counter

orders = Counter("orders_created_total", "Orders created", ["payment_method"])
orders.labels("card").inc()`;

export function Business() {
  const { from, to } = range.value;
  const of = service.value;
  const recent = businessQueries(of, `${recentSeconds(to - from)}s`);
  const meta = useQuery('metadata', tick.value, metadata);
  const figures = useQuery(`${of} ${from} ${to}`, tick.value, async (abort) => {
    const ask = (expr: string) => instant(expr, to, abort).then((found) => found[0]?.value ?? null);
    const [orders, revenue, success, signups] = await Promise.all(
      [recent.orders, recent.revenue, recent.success, recent.signups].map(ask),
    );
    return { orders: orders!, revenue: revenue!, success: success!, signups: signups! };
  });
  if (silent.value) {
    return (
      <section class="card">
        <FirstSteps what="business metrics" />
      </section>
    );
  }
  const error = meta.error ?? figures.error;
  if (error && (!meta.data || !figures.data)) return <ErrorNote error={error} />;
  if (!meta.data || !figures.data) return <Skeleton height={420} />;
  const others = otherMetrics(meta.data);
  const shop = figures.data.orders != null;
  if (!shop && others.length === 0) {
    return (
      <section class="card">
        <div class="empty first-steps">
          <strong>No business metric yet.</strong>
          <p class="muted">
            Count what matters to you, and it has a chart here within one scrape. Any counter, gauge
            or histogram will do:
          </p>
          <pre class="code">{kHowTo}</pre>
        </div>
      </section>
    );
  }
  const { state, sentence } = shop
    ? businessVerdict(figures.data)
    : {
        state: 'healthy' as const,
        sentence: `${plural(others.length, 'metric')} of your own, counted.`,
      };
  return (
    <>
      <Verdict state={state} sentence={sentence} />
      {shop && <Shop of={of} />}
      {others.length > 0 && (
        <section class="detail" aria-label="Every other metric">
          <header class="detail-head">
            <h2>Everything else that is counted</h2>
            <span class="muted small">{plural(others.length, 'metric')}, found by themselves</span>
          </header>
          <div class="grid-3">
            {others.slice(0, 60).map((metric) => (
              <Other key={metric.family} metric={metric} of={of} />
            ))}
          </div>
        </section>
      )}
    </>
  );
}

function Shop({ of }: { of: string }) {
  const q = businessQueries(of, rateWindow(range.value.step));
  const one = (name: string, expr: string, color = 'series-1') =>
    useLines([{ name, color, expr, fill: true }]);
  const orders = one('orders', q.orders);
  const revenue = one('revenue', q.revenue);
  const success = one('payments that succeed', q.success, 'ok');
  const signups = one('sign-ups', q.signups);
  const active = one('active users', q.active);
  const methods = useGrouped({ expr: q.methods, nameOf: (labels) => labels.payment_method ?? '' });
  const reasons = useGrouped({ expr: q.reasons, nameOf: (labels) => labels.reason ?? '' });
  return (
    <>
      <div class="grid-2">
        <TimeChart title="Orders" note="an hour" unit="count" loaded={orders} />
        <TimeChart title="Revenue" note="an hour" unit="cents" loaded={revenue} />
        <TimeChart title="Payments that succeed" unit="ratio" atLeast={1} loaded={success} />
        <TimeChart
          title="Failed payments"
          note="an hour, by reason"
          unit="count"
          stacked
          loaded={reasons}
          headline={sumOf(reasons.data?.series)}
          empty="No payment failed in this time range."
        />
        <TimeChart
          title="Payment methods"
          note="share of orders"
          unit="ratio"
          atLeast={1}
          stacked
          loaded={methods}
          headline={shareOf(methods.data?.series)}
        />
        <div class="grid-2">
          <TimeChart title="Sign-ups" note="an hour" unit="count" loaded={signups} />
          <TimeChart title="Active users" unit="count" loaded={active} />
        </div>
      </div>
    </>
  );
}

type Series = { name: string; values: (number | null)[] }[] | undefined;
const total = (values: (number | null)[]) => values.reduce<number>((sum, v) => sum + (v ?? 0), 0);
const newest = (values: (number | null)[]) => values.filter((value) => value != null).at(-1) ?? 0;

function sumOf(series: Series): string | undefined {
  return series?.length
    ? count(series.reduce((sum, one) => sum + newest(one.values), 0))
    : undefined;
}

/** "card 61%": the most popular one. */
export function shareOf(series: Series): string | undefined {
  if (!series?.length) return undefined;
  const sums = series.map((one) => ({ name: one.name, sum: total(one.values) }));
  const all = sums.reduce((sum, one) => sum + one.sum, 0);
  const first = sums.reduce((a, b) => (b.sum > a.sum ? b : a));
  return all ? `${first.name} ${Math.round((first.sum / all) * 100)}%` : undefined;
}

function Other({ metric, of }: { metric: BusinessMetric; of: string }) {
  const loaded = useGrouped({
    expr: otherExpr(metric, of, rateWindow(range.value.step)),
    nameOf: (labels) =>
      Object.entries(labels)
        .filter(([name]) => name !== '__name__')
        .map(([, value]) => value)
        .join(' ') || title(metric.family).toLowerCase(),
    count: 5,
  });
  return (
    <TimeChart
      title={title(metric.family)}
      note={metric.type === 'gauge' ? metric.help : `an hour · ${metric.help}`}
      unit="count"
      height={104}
      loaded={loaded}
    />
  );
}
