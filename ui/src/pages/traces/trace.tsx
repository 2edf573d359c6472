// One trace: its waterfall, and what is known of the chosen span.
import { useEffect, useMemo, useState } from 'preact/hooks';
import { searchLogs, toMs, traceById, type LogRecord, type Trace } from '../../api/vedette';
import { ApiError } from '../../api/http';
import { serviceColor } from '../../base/colors';
import { duration, moment, plural } from '../../base/format';
import { useKeys } from '../../base/keys';
import { useQuery } from '../../base/query';
import { href, params, path, setParams } from '../../base/router';
import { Icon } from '../../widgets/icon';
import { Empty, ErrorNote, Skeleton } from '../../widgets/states';
import { SpanPanel } from './span_panel';
import { buildWaterfall, visibleFor, visibleRows, type Node, type View } from './waterfall';
import { WaterfallView } from './waterfall_view';
import './traces.css';
import './trace.css';

const kLogsMax = 2000;

export function TracePage() {
  const id = path.value.split('/')[2] ?? '';
  const loaded = useQuery(id, 0, (abort) => traceById(id, abort), false);
  if (loaded.error) {
    const missing = loaded.error instanceof ApiError && loaded.error.status === 404;
    return missing ? (
      <section class="card">
        <Empty title="Nothing of this trace is stored.">
          Its spans may still be on their way, may have been sampled away, or are older than the
          retention. <a href={href('/traces')}>Look for others</a>.
        </Empty>
      </section>
    ) : (
      <ErrorNote error={loaded.error} />
    );
  }
  if (!loaded.data) return <Skeleton height={600} />;
  return <TraceView trace={loaded.data} key={loaded.data.trace_id} />;
}

function useTraceLogs(trace: Trace) {
  return useQuery(trace.trace_id, 0, (abort) =>
    trace.logs === 0
      ? Promise.resolve([])
      : searchLogs({ trace_id: trace.trace_id, order: 'oldest', limit: kLogsMax }, abort).then(
          (answer) => answer.logs,
        ),
  );
}

export function logsBySpan(logs: readonly LogRecord[]): Map<string, LogRecord[]> {
  const bySpan = new Map<string, LogRecord[]>();
  for (const log of logs) {
    const list = bySpan.get(log.span_id);
    if (list) list.push(log);
    else bySpan.set(log.span_id, [log]);
  }
  return bySpan;
}

/** The address names the chosen span once the choice has settled: browsers limit how often it may change. */
function useSpanInAddress({ span }: Node) {
  useEffect(() => {
    const timer = setTimeout(() => setParams({ span: span.span_id }, true), 250);
    return () => clearTimeout(timer);
  }, [span]);
}

function TraceView({ trace }: { trace: Trace }) {
  const waterfall = useMemo(() => buildWaterfall(trace), [trace]);
  const { all, length } = waterfall;
  const logs = useTraceLogs(trace);
  const bySpan = useMemo(() => logsBySpan(logs.data ?? []), [logs.data]);
  const [collapsed, setCollapsed] = useState<ReadonlySet<number>>(new Set());
  const [view, setView] = useState<View>({ from: 0, to: length });
  const rows = useMemo(() => visibleRows(all, collapsed), [all, collapsed]);

  const wanted = params.peek().get('span') ?? '';
  const [selected, choose] = useState(
    () =>
      all.find((node) => node.span.span_id === wanted) ??
      all.find((node) => node.errorOrigin) ??
      all[0]!,
  );
  useSpanInAddress(selected);
  const at = rows.indexOf(selected);
  /** What is collapsed, with the choice moved to where it can be seen. */
  const collapse = (next: ReadonlySet<number>) => {
    setCollapsed(next);
    const seen = visibleFor(selected, next);
    if (seen !== selected) choose(seen);
  };
  /** Chooses a span, and opens what hides it. */
  const select = (node: Node) => {
    if (visibleFor(node, collapsed) !== node) {
      const next = new Set(collapsed);
      for (let above = node.parent; above; above = above.parent) next.delete(above.index);
      setCollapsed(next);
    }
    choose(node);
  };

  const move = (step: number) => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, at + step))];
    if (next) select(next);
  };
  const toggle = (node: Node, close = !collapsed.has(node.index)) => {
    const next = new Set(collapsed);
    if (close && node.children.length) next.add(node.index);
    else next.delete(node.index);
    collapse(next);
  };
  const nextError = () => {
    const from = all.indexOf(selected);
    const found =
      all.slice(from + 1).find((node) => node.failed) ?? all.find((node) => node.failed);
    if (found) select(found);
  };
  const collapseAll = () =>
    collapse(
      collapsed.size
        ? new Set()
        : new Set(all.filter((node) => node.depth > 0 && node.children.length).map((n) => n.index)),
    );
  const focus = (node: Node) => {
    const margin = Math.max(1, (node.end - node.start) * 0.05);
    setView({ from: Math.max(0, node.start - margin), to: Math.min(length, node.end + margin) });
  };
  useKeys('Trace', [
    { keys: 'j', help: 'Next span', run: () => move(1) },
    { keys: 'k', help: 'Previous span', run: () => move(-1) },
    { keys: 'ArrowDown', help: 'Next span', run: () => move(1) },
    { keys: 'ArrowUp', help: 'Previous span', run: () => move(-1) },
    { keys: 'h', help: 'Collapse', run: () => toggle(selected, true) },
    { keys: 'l', help: 'Expand', run: () => toggle(selected, false) },
    { keys: 'ArrowLeft', help: 'Collapse', run: () => toggle(selected, true) },
    { keys: 'ArrowRight', help: 'Expand', run: () => toggle(selected, false) },
    { keys: 'e', help: 'Next error', run: nextError },
    { keys: 'z', help: 'Collapse or expand all', run: collapseAll },
    { keys: 'f', help: 'Fit the span', run: () => focus(selected) },
    { keys: 'Escape', help: 'Fit the whole trace', run: () => setView({ from: 0, to: length }) },
  ]);

  return (
    <>
      <TraceHead trace={trace} origins={all.filter((node) => node.errorOrigin)} onPick={select} />
      <div class="trace-page">
        <WaterfallView
          waterfall={waterfall}
          rows={rows}
          view={view}
          collapsed={collapsed}
          selected={selected}
          logs={bySpan}
          onView={setView}
          onSelect={select}
          onToggle={toggle}
          onFocus={focus}
        />
        <SpanPanel trace={trace} node={selected} logs={logs} bySpan={bySpan} />
      </div>
    </>
  );
}

interface HeadProps {
  trace: Trace;
  origins: Node[];
  onPick: (node: Node) => void;
}

function TraceHead({ trace, origins, onPick }: HeadProps) {
  const [copied, setCopied] = useState(false);
  const copy = () =>
    navigator.clipboard?.writeText(trace.trace_id).then(
      () => setCopied(true),
      () => undefined,
    );
  return (
    <section class="trace-head" aria-label="The trace">
      <h2>
        <span class="muted">{trace.root_service}</span> {trace.root_name}
      </h2>
      <p class="trace-facts">
        <b>{duration(trace.duration_ns / 1e9)}</b>
        <span>{moment(toMs(trace.start_ns))}</span>
        <span>{plural(trace.spans.length, 'span')}</span>
        <span>{plural(trace.logs, 'log')}</span>
        <button class="mono trace-id" title="Copy the trace id" onClick={copy}>
          {trace.trace_id} <Icon name="copy" />
          <span role="status">{copied ? 'copied' : ''}</span>
        </button>
        <span class="spacer" />
        {trace.services.map((one) => (
          <span key={one.name} class="service-key">
            <i class={`swatch bg-${serviceColor(one.name)}`} />
            {one.name} <span class="muted">{one.spans}</span>
          </span>
        ))}
      </p>
      {!trace.has_root && (
        <p class="warn small">
          The first span of this trace is not stored; the earliest one stands in for it.
        </p>
      )}
      {origins.length > 0 && (
        <p class="trace-errors">
          <b class="bad">{origins.length === 1 ? 'It failed here:' : 'It failed in these:'}</b>
          {origins.slice(0, 4).map((node) => (
            <button key={node.index} class="link" onClick={() => onPick(node)}>
              {node.service} {node.span.name}
              {node.span.status_message && (
                <span class="muted">
                  : {node.span.status_message.replace(/:\s*$/, '').slice(0, 120)}
                </span>
              )}
            </button>
          ))}
          {origins.length > 4 && <span class="muted">and {origins.length - 4} more (e)</span>}
        </p>
      )}
    </section>
  );
}
