import { describe, expect, test } from 'vitest';
import { ago, bytes, count, duration, money, percent, plural, rate } from './format';

const table = <T>(name: string, format: (value: T) => string, cases: [T, string][]) =>
  describe(name, () =>
    test.each(cases)('%s → %s', (value, text) => expect(format(value)).toBe(text)),
  );

table<number | null>('duration', duration, [
  [null, '–'],
  [NaN, '–'],
  [0, '0 s'],
  [4.2e-7, '420 ns'],
  [0.00042, '420 µs'],
  [0.0009999, '1 ms'],
  [0.0123, '12.3 ms'],
  [0.9996, '1 s'],
  [1.25, '1.25 s'],
  [59.96, '1m'],
  [75, '1m 15s'],
  [-0.5, '−500 ms'],
]);

table<number>('ago', ago, [
  [0, '0s'],
  [59.4, '59s'],
  [3600, '1h'],
  [7300, '2h 1m'],
  [200_000, '2d 7h'],
]);

table<number | null>('count', count, [
  [null, '–'],
  [0, '0'],
  [0.0001, '<0.001'],
  [0.1234, '0.123'],
  [10, '10'],
  [999.6, '1000'],
  [1234, '1,234'],
  [12_345, '12.3k'],
  [3_400_000, '3.4M'],
]);

table<number | null>('rate', rate, [
  [0, '0/s'],
  [13.94, '13.9/s'],
  [0.05, '3/min'],
  [0.0005, '1.8/h'],
]);

table<number | null>('percent', percent, [
  [null, '–'],
  [0, '0%'],
  [0.00001, '<0.01%'],
  [0.0123, '1.2%'],
  [0.5, '50%'],
  [0.9987, '99.87%'],
  [0.99999, '>99.99%'],
  [1, '100%'],
]);

table<number | null>('bytes', bytes, [
  [0, '0 B'],
  [1536, '1.5 KiB'],
  [151e6, '144 MiB'],
]);

table<number | null>('money', money, [
  [12_345, '123.45'],
  [5, '0.05'],
  [12_345_678, '123,457'],
  [123_456_789, '1.23M'],
]);

test('plural', () => {
  expect(plural(1, 'span')).toBe('1 span');
  expect(plural(1200, 'span')).toBe('1,200 spans');
  expect(plural(0, 'query', 'queries')).toBe('0 queries');
});
