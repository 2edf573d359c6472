import { describe, expect, test } from 'vitest';
import { errorMessage, queryString } from './http';
import { gridTimes, parseValue, quote, selector, toLine } from './prom';
import { perService, Red, sourceFor } from './red';
import { nsBetween, toMs } from './vedette';

describe('http', () => {
  test.each([
    [400, '{"error":{"code":"invalid_argument","message":"no such field"}}', 'no such field'],
    [422, '{"status":"error","errorType":"execution","error":"too many"}', 'too many'],
    [502, 'Bad gateway\n', 'Bad gateway'],
    [503, '', 'The server answered with status 503.'],
    [500, '{}', '{}'],
  ])('%i %s', (status, body, message) => expect(errorMessage(status, body)).toBe(message));
  test('a query string leaves out what is not there and repeats lists', () => {
    expect(queryString({ a: 1, b: '', c: null, d: ['x=1', 'y'] })).toBe('a=1&d=x%3D1&d=y');
  });
});

describe('moments', () => {
  test('nanoseconds as text become milliseconds without losing the microseconds', () => {
    expect(toMs('1769860800123456789')).toBeCloseTo(1769860800123.4568, 3);
    expect(toMs('1500')).toBeCloseTo(0.0015);
  });
  test('differences are exact', () => {
    expect(nsBetween('1769860800123456789', '1769860800123456790')).toBe(1);
    expect(nsBetween('1769860800123456790', '1769860800123456789')).toBe(-1);
  });
});

describe('prometheus', () => {
  const range = { from: 100, to: 130, step: 10 };
  test('points find their places on the grid; gaps and infinities are empty', () => {
    expect(gridTimes(range)).toEqual([100, 110, 120, 130]);
    const line = toLine(
      {},
      [
        [100, '1'],
        [120, '+Inf'],
        [130, '4'],
      ],
      range,
    );
    expect(line.values).toEqual([1, null, null, 4]);
    expect(parseValue('NaN')).toBeNull();
  });
  test('label values are quoted', () => {
    expect(quote('a"b\\c\n')).toBe('"a\\"b\\\\c\\n"');
    expect(selector([false, 'a="1"', '', null, 'b="2"'])).toBe('{a="1",b="2"}');
    expect(selector([])).toBe('');
  });
});

describe('rate, errors, duration', () => {
  test('an endpoint of an app', () => {
    const red = new Red('app', 'shop', { method: 'GET', path: '/a"b' });
    const where =
      '{job="shop",path!~"/(health|healthz|livez|readyz|ready|live|metrics|ping)(/.*)?",method="GET",path="/a\\"b"}';
    expect(red.rate('60s')).toBe(`sum (rate(http_requests_total${where}[60s]))`);
    expect(red.quantile(0.95, '60s')).toBe(
      `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket${where}[60s])))`,
    );
    expect(red.errors('60s')).toContain('status=~"5.."');
  });
  test('spans count served requests alone', () => {
    expect(new Red('spans').rate('60s', ['service_name'])).toMatch(
      /^sum by \(service_name\) \(rate\(traces_span_metrics_calls_total\{span_kind="SPAN_KIND_SERVER",/,
    );
  });
  test("a service's own metrics go before those of its spans", () => {
    const sources = { app: new Set(['shop']), spans: new Set(['shop', 'old']) };
    expect(sourceFor(sources, 'shop')).toBe('app');
    expect(sourceFor(sources, 'old')).toBe('spans');
    expect(sourceFor(sources, 'unknown')).toBe('app');
    expect(sourceFor(sources, '')).toBe('spans');
    expect(sourceFor({ app: new Set(['a']), spans: new Set(['a']) }, '')).toBe('app');
  });
  test('both sources carry the same label, so that `or` can choose', () => {
    const expr = perService((red) => red.rate('60s', [red.serviceLabel]));
    expect(expr.split(') or sum by (service) (')).toHaveLength(2);
    expect(expr).toContain('"service", "$1", "job"');
    expect(expr).toContain('"service", "$1", "service_name"');
  });
});
