// From a flat list of spans to the rows of a waterfall. Survives what real traces have: parents that never
// arrived, span ids used twice, cycles, and nesting of any depth (nothing here recurses).
import { nsBetween, type Span, type Trace } from '../../api/vedette';

export interface Node {
  /** Place in the trace's list of spans: unlike the span id, never used twice. */
  index: number;
  span: Span;
  service: string;
  depth: number;
  parent: Node | null;
  children: Node[];
  /** Spans below it. */
  descendants: number;
  /** Nanoseconds from the beginning of the trace. */
  start: number;
  end: number;
  failed: boolean;
  /** It failed and nothing below it did: the error began here. */
  errorOrigin: boolean;
  /** Its parent is not part of what is stored. */
  orphan: boolean;
}

export interface Waterfall {
  roots: Node[];
  /** Depth first, children by start: the order in which rows stand. */
  all: Node[];
  /** The whole trace's length in nanoseconds, never zero. */
  length: number;
}

export function buildWaterfall(trace: Trace): Waterfall {
  const nodes = trace.spans.map((span, index): Node => {
    const start = nsBetween(trace.start_ns, span.start_ns);
    return {
      index,
      span,
      service: trace.resources[span.resource]?.service ?? '',
      depth: 0,
      parent: null,
      children: [],
      descendants: 0,
      start,
      end: start + span.duration_ns,
      failed: span.status === 'error',
      errorOrigin: false,
      orphan: false,
    };
  });
  const roots = link(nodes);
  const all = order(roots, nodes);
  // From the last row up, every child is done before its parent.
  for (let i = all.length - 1; i >= 0; i--) {
    const node = all[i]!;
    node.descendants = node.children.reduce((sum, child) => sum + 1 + child.descendants, 0);
    node.errorOrigin = node.failed && !node.children.some((child) => child.failed);
  }
  const length = Math.max(1, trace.duration_ns, ...maxEnds(all));
  return { roots, all, length };
}

function* maxEnds(nodes: Node[]): Generator<number> {
  // Not Math.max(...all): a call with 100,000 arguments overflows the stack.
  let end = 0;
  for (const node of nodes) end = Math.max(end, node.end);
  yield end;
}

function link(nodes: Node[]): Node[] {
  const byId = new Map<string, Node>();
  for (const node of nodes) if (!byId.has(node.span.span_id)) byId.set(node.span.span_id, node);
  const roots: Node[] = [];
  for (const node of nodes) {
    const parentId = node.span.parent_span_id;
    const parent = byId.get(parentId);
    if (parent && parent !== node) parent.children.push(node);
    else {
      node.orphan = parentId !== '' && !parent;
      roots.push(node);
    }
  }
  return roots;
}

const byStart = (a: Node, b: Node) => a.start - b.start || b.end - a.end || a.index - b.index;

function order(roots: Node[], nodes: Node[]): Node[] {
  const all: Node[] = [];
  const seen = new Set<Node>();
  const walk = (first: Node) => {
    const stack = [first];
    while (stack.length) {
      const node = stack.pop()!;
      seen.add(node);
      all.push(node);
      node.children = node.children.filter((child) => !seen.has(child)).sort(byStart);
      for (let i = node.children.length - 1; i >= 0; i--) {
        const child = node.children[i]!;
        child.depth = node.depth + 1;
        child.parent = node;
        stack.push(child);
      }
    }
  };
  roots.sort(byStart).forEach(walk);
  // What is left hangs in a cycle: its earliest span stands in for the root.
  for (const node of [...nodes].sort(byStart)) {
    if (seen.has(node)) continue;
    roots.push(node);
    walk(node);
  }
  return all;
}

/** The rows in sight: all but those below a collapsed node. */
export function visibleRows(all: Node[], collapsed: ReadonlySet<number>): Node[] {
  const rows: Node[] = [];
  let hiddenBelow = Infinity;
  for (const node of all) {
    if (node.depth > hiddenBelow) continue;
    hiddenBelow = collapsed.has(node.index) ? node.depth : Infinity;
    rows.push(node);
  }
  return rows;
}

/** The node itself, or what stands for it when something above it is collapsed. */
export function visibleFor(node: Node, collapsed: ReadonlySet<number>): Node {
  let seen = node;
  for (let above = node.parent; above; above = above.parent) {
    if (collapsed.has(above.index)) seen = above;
  }
  return seen;
}

/** The part of the trace that is shown, in nanoseconds. */
export interface View {
  from: number;
  to: number;
}

/** Where a span's bar is, in per cent of the view's width; null where it lies outside. */
export function barOf(node: Node, view: View): { left: number; width: number } | null {
  if (node.end < view.from || node.start > view.to) return null;
  const place = (ns: number) => ((ns - view.from) / (view.to - view.from)) * 100;
  const left = Math.max(0, place(node.start));
  const right = Math.min(100, place(node.end));
  return { left, width: Math.max(0, right - left) };
}

/** Round places for the marks of a time axis: about `count` of them. */
export function axisMarks(view: View, count: number): number[] {
  const raw = (view.to - view.from) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((candidate) => candidate >= raw)!;
  const marks: number[] = [];
  for (let at = Math.ceil(view.from / step) * step; at <= view.to; at += step) marks.push(at);
  return marks;
}
