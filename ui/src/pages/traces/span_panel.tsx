// All that is known of one span: errors first, then attributes, events, links, its logs, where it came from.
import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import {
  nsBetween,
  type LogRecord,
  type Span,
  type SpanEvent,
  type Trace,
} from '../../api/vedette';
import { serviceColor, severityColor } from '../../base/colors';
import { duration, percent, plural } from '../../base/format';
import type { Loaded } from '../../base/query';
import { href } from '../../base/router';
import { AttributeList, valueText } from '../../widgets/attributes';
import { ErrorNote, Skeleton } from '../../widgets/states';
import type { Node } from './waterfall';

interface Props {
  trace: Trace;
  node: Node;
  logs: Loaded<LogRecord[]>;
  bySpan: Map<string, LogRecord[]>;
}

export function SpanPanel(props: Props) {
  const { trace, node, bySpan } = props;
  const { span } = node;
  const own = bySpan.get(span.span_id)?.length ?? 0;
  const [tab, setTab] = useState<'span' | 'logs'>('span');
  const exceptions = span.events.filter((event) => event.name === 'exception');
  return (
    <aside class="card span-panel" aria-label={`Span ${span.name}`}>
      <header class="span-head">
        <h3>{span.name}</h3>
        <p class="muted">
          <i class={`swatch bg-${serviceColor(node.service)}`} /> {node.service} · {span.kind} ·{' '}
          {duration(span.duration_ns / 1e9)} ({percent(span.duration_ns / trace.duration_ns)} of the
          trace) · begins at {duration(node.start / 1e9)}
        </p>
        <div class="tabs" role="tablist">
          <button role="tab" aria-selected={tab === 'span'} onClick={() => setTab('span')}>
            Span
          </button>
          <button role="tab" aria-selected={tab === 'logs'} onClick={() => setTab('logs')}>
            Logs <span class="tag">{own === trace.logs ? own : `${own} of ${trace.logs}`}</span>
          </button>
        </div>
      </header>
      <div class="span-body" role="tabpanel">
        {tab === 'logs' ? (
          <SpanLogs {...props} />
        ) : (
          <>
            {node.failed && exceptions.length === 0 && (
              <div class="note note-bad">
                <strong>This span ended in an error.</strong>
                {span.status_message && <span>{span.status_message}</span>}
              </div>
            )}
            {exceptions.map((event, i) => (
              <Exception key={i} event={event} span={span} />
            ))}
            <SpanDetails {...props} />
          </>
        )}
      </div>
    </aside>
  );
}

function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="panel-section">
      <h4>{title}</h4>
      {children}
    </section>
  );
}

function Exception({ event, span }: { event: SpanEvent; span: Span }) {
  const get = (name: string) => valueText(event.attributes[`exception.${name}`] ?? '');
  return (
    <div class="note note-bad">
      <strong>{get('type') || 'Exception'}</strong>
      <span>{get('message')}</span>
      <span class="muted small">
        {duration(nsBetween(span.start_ns, event.time_ns) / 1e9)} after the span began
      </span>
      {get('stacktrace') && (
        <details>
          <summary>Stack</summary>
          <pre class="stack">{get('stacktrace')}</pre>
        </details>
      )}
    </div>
  );
}

function SpanDetails({ trace, node }: Props) {
  const { span } = node;
  const resource = trace.resources[span.resource];
  const scope = trace.scopes[span.scope];
  const events = span.events.filter((event) => event.name !== 'exception');
  const search = (condition: string) =>
    href('/traces', { attr: [condition], service: node.service });
  return (
    <>
      <Section title="Attributes">
        <AttributeList attributes={span.attributes} search={search} />
      </Section>
      {events.length > 0 && (
        <Section title="Events">
          {events.map((event, i) => (
            <details key={i} class="event">
              <summary>
                {event.name}{' '}
                <span class="muted">
                  at {duration(nsBetween(span.start_ns, event.time_ns) / 1e9)}
                </span>
              </summary>
              <AttributeList attributes={event.attributes} />
            </details>
          ))}
        </Section>
      )}
      {span.links.length > 0 && (
        <Section title="Links to other traces">
          {span.links.map((link) => (
            <p key={link.span_id} class="mono">
              <a href={href(`/traces/${link.trace_id}`, { span: link.span_id })}>{link.trace_id}</a>
            </p>
          ))}
        </Section>
      )}
      <Section title="Resource">
        <AttributeList attributes={resource?.attributes ?? {}} />
      </Section>
      <p class="muted small panel-foot">
        Span {span.span_id}
        {scope?.name && `, recorded by ${scope.name} ${scope.version}`}
        {node.orphan && '. Its parent is not stored.'}
      </p>
    </>
  );
}

function SpanLogs({ trace, node, logs, bySpan }: Props) {
  const own = bySpan.get(node.span.span_id) ?? [];
  const [whole, setWhole] = useState(own.length === 0);
  const shown = whole ? (logs.data ?? []) : own;
  const all = href('/logs', { trace_id: trace.trace_id, service: null });
  if (logs.error) return <ErrorNote error={logs.error} />;
  if (!logs.data) return <Skeleton height={120} />;
  return (
    <>
      <div class="segmented log-scope" role="group" aria-label="Which logs">
        <button aria-pressed={!whole} onClick={() => setWhole(false)}>
          This span
        </button>
        <button aria-pressed={whole} onClick={() => setWhole(true)}>
          Whole trace
        </button>
      </div>
      {shown.length === 0 && (
        <p class="muted">
          {trace.logs === 0
            ? 'No log record carries this trace’s id. Vedette’s logging and structlog processors add it by themselves.'
            : 'This span logged nothing.'}
        </p>
      )}
      <ol class="panel-logs">
        {shown.map((log, i) => (
          <li key={i} class={whole && log.span_id === node.span.span_id ? 'own' : ''}>
            <span class="muted mono">
              +{duration(Math.max(0, nsBetween(trace.start_ns, log.time_ns)) / 1e9)}
            </span>
            <i class={`swatch bg-${severityColor(log.severity)}`} title={log.severity} />
            <span>
              {valueText(log.body)}
              <span class="muted small"> {log.service}</span>
            </span>
          </li>
        ))}
      </ol>
      {trace.logs > 0 && (
        <p class="panel-foot">
          <a href={all}>All {plural(trace.logs, 'log')} of this trace on the logs page</a>
        </p>
      )}
    </>
  );
}
