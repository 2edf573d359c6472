import { describe, expect, test } from 'vitest';
import type { Span, Trace } from '../../api/vedette';
import { axisMarks, barOf, buildWaterfall, visibleFor, visibleRows } from './waterfall';

/** 'id<parent@start+duration', '!' behind it for an error; milliseconds. */
function trace(...lines: string[]): Trace {
  const spans = lines.map((line): Span => {
    const [, id, parent, start, length, bad] = /^(\w+)<(\w*)@(\d+)\+(\d+)(!?)$/.exec(line)!;
    return {
      span_id: id!,
      parent_span_id: parent!,
      name: id!,
      kind: 'internal',
      status: bad ? 'error' : 'unset',
      status_message: '',
      start_ns: `${1_769_860_800_000_000_000n + BigInt(start!) * 1_000_000n}`,
      duration_ns: Number(length) * 1e6,
      resource: 0,
      scope: 0,
      trace_state: '',
      attributes: {},
      events: [],
      links: [],
    };
  });
  return {
    trace_id: 't',
    start_ns: '1769860800000000000',
    duration_ns: 0,
    root_service: '',
    root_name: '',
    has_root: true,
    errors: 0,
    logs: 0,
    services: [],
    resources: [{ service: 'shop', attributes: {} }],
    scopes: [],
    spans,
  };
}

const shape = (...lines: string[]) =>
  buildWaterfall(trace(...lines)).all.map((node) => `${'  '.repeat(node.depth)}${node.span.name}`);

describe('the tree', () => {
  test('children stand below their parent, by start', () => {
    expect(shape('a<@0+10', 'c<a@5+1', 'b<a@1+3', 'd<b@2+1')).toEqual(['a', '  b', '    d', '  c']);
  });
  test('a span whose parent is missing is a root, and said to be one', () => {
    const { all } = buildWaterfall(trace('a<@0+10', 'b<gone@1+3', 'c<b@1+1'));
    expect(all.map((node) => [node.span.name, node.depth, node.orphan])).toEqual([
      ['a', 0, false],
      ['b', 0, true],
      ['c', 1, false],
    ]);
  });
  test('a cycle and a span that is its own parent lose nobody', () => {
    expect(shape('a<c@0+1', 'b<a@1+1', 'c<b@2+1', 'd<d@3+1').sort()).toEqual(
      ['    c', '  b', 'a', 'd'].sort(),
    );
  });
  test('an id used twice keeps both spans', () => {
    expect(shape('a<@0+9', 'x<a@1+1', 'x<a@2+1', 'y<x@1+1')).toEqual(['a', '  x', '    y', '  x']);
  });
  test('20,000 spans, each in the other', () => {
    const lines = Array.from({ length: 20_000 }, (_, i) => `s${i}<${i ? `s${i - 1}` : ''}@${i}+1`);
    const { all, length } = buildWaterfall(trace(...lines));
    expect(all.at(-1)!.depth).toBe(19_999);
    expect(all[0]!.descendants).toBe(19_999);
    expect(length).toBe(20_000e6);
  });
});

test('an error begins where nothing below it failed', () => {
  const { all } = buildWaterfall(trace('a<@0+9!', 'b<a@1+8!', 'c<b@2+1', 'd<b@3+1!', 'e<a@8+1!'));
  expect(all.filter((node) => node.errorOrigin).map((node) => node.span.name)).toEqual(['d', 'e']);
});

describe('collapsing', () => {
  const { all } = buildWaterfall(trace('a<@0+9', 'b<a@1+4', 'c<b@2+1', 'd<c@2+1', 'e<a@6+1'));
  const names = (...collapsed: number[]) =>
    visibleRows(all, new Set(collapsed)).map((node) => node.span.name);
  test('hides what is below, at any depth', () => {
    expect(names()).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(names(1)).toEqual(['a', 'b', 'e']);
    expect(names(2)).toEqual(['a', 'b', 'c', 'e']);
    expect(names(0)).toEqual(['a']);
    expect(names(1, 2)).toEqual(['a', 'b', 'e']);
  });
  test('the highest collapsed span stands for those below it', () => {
    const d = all.find((node) => node.span.name === 'd')!;
    expect(visibleFor(d, new Set([1, 2])).span.name).toBe('b');
    expect(visibleFor(d, new Set()).span.name).toBe('d');
  });
});

test('bars are cut at the borders of the view', () => {
  const [node] = buildWaterfall(trace('a<@10+20')).all;
  expect(barOf(node!, { from: 0, to: 40e6 })).toEqual({ left: 25, width: 50 });
  expect(barOf(node!, { from: 20e6, to: 40e6 })).toEqual({ left: 0, width: 50 });
  expect(barOf(node!, { from: 31e6, to: 40e6 })).toBeNull();
  expect(barOf(node!, { from: 0, to: 5e6 })).toBeNull();
});

test('marks of the axis are round', () => {
  expect(axisMarks({ from: 0, to: 83 }, 5)).toEqual([0, 20, 40, 60, 80]);
  expect(axisMarks({ from: 95, to: 300 }, 4)).toEqual([100, 200, 300]);
});
