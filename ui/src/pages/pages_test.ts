import { describe, expect, test } from 'vitest';
import { decades } from '../charts/scatter';
import { sparkPath } from '../charts/sparkline';
import { stack } from '../charts/plot';
import { condition } from '../widgets/attribute_filters';
import { compare } from '../widgets/table';
import { windowOf } from '../widgets/virtual_list';
import { businessVerdict, otherExpr, otherMetrics, title } from './business/metrics';
import { dependencyVerdict, type Dependency } from './dependencies/queries';
import { addTypes, endpointVerdict, mergeRows, verdictOver } from './endpoints/rows';
import { sentence as logSentence } from './logs/logs';

describe('endpoints', () => {
  const labels = { job: 'shop', method: 'POST', path: '/orders' };
  const rows = () =>
    mergeRows('app', {
      rate: [
        { labels, value: 2 },
        { labels: { ...labels, path: '/idle' }, value: 0 },
      ],
      errors: [{ labels, value: 0.12 }],
      p95: [{ labels, value: 0.4 }],
    });
  test('figures meet in one row; what served nothing is left out', () => {
    expect(rows()).toHaveLength(1);
    expect(rows()[0]).toMatchObject({ name: 'POST /orders', rate: 2, errors: 0.12, p50: null });
  });
  test('statuses and error types, the most frequent first', () => {
    const all = rows();
    addTypes(
      all,
      [{ labels: { ...labels, status: '503' }, value: 0.2 }],
      [
        {
          labels: { service_name: 'shop', span_name: 'POST /orders', error_type: 'Timeout' },
          value: 0.3,
        },
        {
          labels: { service_name: 'shop', span_name: 'POST /orders', error_type: '503' },
          value: 0.2,
        },
        { labels: { service_name: 'other', span_name: 'POST /orders', error_type: 'X' }, value: 9 },
      ],
    );
    expect(all[0]!.types.map((type) => type.name)).toEqual(['Timeout', '503']);
  });
  test('the verdict names the worst, but not for a handful of failures', () => {
    expect(endpointVerdict(rows(), 900)).toEqual({
      state: 'broken',
      sentence: 'POST /orders fails 12% of its requests.',
    });
    expect(endpointVerdict(rows(), 10).state).toBe('healthy');
    expect(endpointVerdict([], 900).state).toBe('unknown');
  });
  test('what is over is told, but is no longer the state', () => {
    const well = rows().map((row) => ({ ...row, errors: 0 }));
    const whole = { rows: rows(), seconds: 900 };
    expect(verdictOver({ rows: well, seconds: 300 }, whole)).toEqual({
      state: 'healthy',
      sentence:
        'The one endpoint answers as it should. The slowest is POST /orders: p95 400 ms. ' +
        'Over the whole time: POST /orders fails 12% of its requests.',
    });
    expect(verdictOver({ rows: rows(), seconds: 300 }, whole).state).toBe('broken');
  });
});

test('dependencies: what fails comes first, else how fast they are', () => {
  const database: Dependency = {
    ...{ kind: 'database', name: 'postgresql', rate: 5, errors: 0, p50: 0.001, p95: 0.004 },
  };
  const payments: Dependency = { ...database, kind: 'external', name: 'payments', errors: 0.02 };
  expect(dependencyVerdict([database], 0.91, 900)).toEqual({
    state: 'healthy',
    sentence: 'Everything answers: postgresql within 4 ms (p95); 91% of cache look-ups hit.',
  });
  expect(dependencyVerdict([database, payments], null, 900)).toEqual({
    state: 'degrading',
    sentence: '2% of calls to payments fail.',
  });
  expect(dependencyVerdict([], null, 900).state).toBe('unknown');
});

describe('business', () => {
  const meta = (type: string) => ({ type, help: 'h', unit: '' });
  test('what the machinery counts is not of the business', () => {
    const found = otherMetrics({
      http_requests_total: meta('counter'),
      process_cpu_seconds_total: meta('counter'),
      traces_span_metrics_calls_total: meta('counter'),
      orders_created_total: meta('counter'),
      up: meta('gauge'),
      charges_total: meta('counter'),
      cart_size: meta('gauge'),
      odd: meta('info'),
    });
    expect(found.map((one) => one.family)).toEqual(['cart_size', 'charges_total']);
  });
  test('how each type is asked for', () => {
    const ask = (family: string, type: 'counter' | 'gauge' | 'histogram') =>
      otherExpr({ family, type, help: '' }, 'shop', '60s');
    expect(ask('charges_total', 'counter')).toContain('rate(charges_total{job="shop"}[60s])');
    expect(ask('charges', 'counter')).toContain('rate(charges_total{');
    expect(ask('cart_size', 'gauge')).toContain('(cart_size{job="shop"})');
    expect(ask('basket', 'histogram')).toContain('rate(basket_count{');
    expect(title('orders_created_total')).toBe('Orders created');
  });
  test('the verdict', () => {
    const all = { orders: 5400, revenue: 1_234_500, success: 0.97, signups: 3 };
    expect(businessVerdict(all).sentence).toBe(
      '5,400 orders an hour, worth 12,345 an hour; 97% of payments succeed.',
    );
    expect(businessVerdict({ ...all, success: 0.5 }).state).toBe('broken');
    expect(businessVerdict({ ...all, orders: null }).state).toBe('unknown');
  });
});

test('logs: what a reader wants to know first', () => {
  expect(logSentence([{ severity: 'INFO', counts: [3, 4] }])).toBe(
    '7 records, no error and no warning among them.',
  );
  expect(
    logSentence([
      { severity: 'INFO', counts: [1200] },
      { severity: 'ERROR', counts: [1, 0] },
      { severity: 'WARN', counts: [2] },
    ]),
  ).toBe('1 error and 2 warnings among 1,203 records.');
  expect(logSentence([])).toBe('Nothing was logged that meets these conditions.');
});

test.each([
  ['http.route=/orders', 'http.route=/orders'],
  [' status >= 500 ', 'status>=500'],
  ['user.id=~^u 1', 'user.id=~^u 1'],
  ['!order.id', '!order.id'],
  ['order.id', 'order.id'],
  ['two words', null],
  ['=x', null],
])('the condition %s', (text, made) => expect(condition(text)).toBe(made));

describe('drawing', () => {
  test('stacking keeps gaps of one series from tearing the others', () => {
    const series = (values: (number | null)[]) => ({ name: '', color: '', values });
    expect(stack([series([1, null]), series([2, 3]), series([null, 1])])).toEqual([
      [1, null],
      [3, 3],
      [3, 4],
    ]);
  });
  test('a sparkline lifts its pen over gaps', () => {
    expect(sparkPath([0, 2, null, 2], 30, 10)).toBe('M0.0 10.0L10.0 0.0M30.0 0.0');
    expect(sparkPath([], 30, 10)).toBe('');
  });
  test('decades enclose all durations', () => {
    const dot = (seconds: number) => ({ id: '', time: 0, seconds, bad: false, label: '' });
    const [low, high] = decades([dot(0.002), dot(3)]);
    expect(low).toBeCloseTo(0.001);
    expect(high).toBeCloseTo(10);
    expect(decades([])).toEqual([1e-3, 1]);
  });
  test('a virtual list renders what is in sight and a little more', () => {
    expect(windowOf(0, 280, 28, 10_000)).toEqual([0, 22]);
    expect(windowOf(28_000, 280, 28, 10_000)).toEqual([988, 1022]);
    expect(windowOf(28_000, 280, 28, 5)).toEqual([5, 5]);
  });
  test('missing values sort last in both directions', () => {
    expect([3, null, 1].sort((a, b) => compare(a, b, false))).toEqual([1, 3, null]);
    expect([3, null, 1].sort((a, b) => compare(a, b, true))).toEqual([3, 1, null]);
  });
});
