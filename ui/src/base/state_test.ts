import { describe, expect, test } from 'vitest';
import { match, type Binding } from './keys';
import { withParams } from './router';
import { fixedRange, rateWindow, stepFor } from './time_range';

describe('time range', () => {
  test('a step is round and gives at most 120 points', () => {
    for (const seconds of [300, 900, 3600, 86400, 7 * 86400]) {
      expect(seconds / stepFor(seconds)).toBeLessThanOrEqual(120);
    }
    expect(stepFor(900)).toBe(10);
  });
  test('rates look back over four scrapes at least', () => {
    expect(rateWindow(5)).toBe('60s');
    expect(rateWindow(600)).toBe('1200s');
  });
  test.each([
    ['100', '200', [100, 200]],
    ['200', '100', null],
    ['x', '100', null],
    ['', '100', null],
    [null, null, null],
  ])('a fixed range from %s to %s', (from, to, range) =>
    expect(fixedRange(from, to)).toEqual(range),
  );
});

describe('address', () => {
  const base = new URLSearchParams('service=shop&attr=a%3D1&attr=b');
  test.each<[string, Parameters<typeof withParams>[1], string]>([
    ['sets', { range: '1h' }, '?service=shop&attr=a%3D1&attr=b&range=1h'],
    ['removes', { service: null, attr: [] }, ''],
    ['empty text removes', { service: '', attr: undefined }, ''],
    ['repeats', { attr: ['x=1', 'y'] }, '?service=shop&attr=x%3D1&attr=y'],
    ['escapes', { service: 'a&b', attr: null }, '?service=a%26b'],
  ])('%s', (_name, changes, text) => expect(withParams(base, changes)).toBe(text));
});

describe('keys', () => {
  const binding = (keys: string): Binding => ({ keys, help: '', run: () => undefined });
  const shell = [binding('?'), binding('g o'), binding('g t'), binding('j')];
  test('single keys, sequences, strangers', () => {
    expect(match('', '?', shell)).toBe(shell[0]);
    expect(match('', 'g', shell)).toBe('prefix');
    expect(match('g', 't', shell)).toBe(shell[2]);
    expect(match('g', 'x', shell)).toBeNull();
    expect(match('', 't', shell)).toBeNull();
  });
  test("a page's key goes before the shell's", () => {
    const own = binding('j');
    expect(match('', 'j', [...shell, own])).toBe(own);
  });
});
