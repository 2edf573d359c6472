// One log record: a line, and when opened everything that came with it.
import { toMs, type LogRecord } from '../../api/vedette';
import { serviceColor, severityColor } from '../../base/colors';
import { clock, moment } from '../../base/format';
import { href, params, setParams } from '../../base/router';
import { AttributeList, valueText } from '../../widgets/attributes';

export const logKey = (log: LogRecord) => `${log.time_ns}${log.span_id}${valueText(log.body)}`;

export const traceHref = (log: LogRecord) => href(`/traces/${log.trace_id}`, { span: log.span_id });

interface Props {
  log: LogRecord;
  active: boolean;
  open: boolean;
  newDay: boolean;
  onToggle: () => void;
}

/** The attributes that fit behind the text, so that most records need not be opened. */
export function brief(log: LogRecord): string {
  return Object.entries(log.attributes)
    .filter(([key, value]) => typeof value !== 'object' && !key.startsWith('code.'))
    .slice(0, 6)
    .map(([key, value]) => `${key}=${valueText(value)}`)
    .join('  ');
}

export function LogRow({ log, active, open, newDay, onToggle }: Props) {
  const ms = toMs(log.time_ns);
  return (
    <div class={`log-row ${active ? 'active' : ''} ${open ? 'open' : ''}`}>
      {newDay && <div class="log-day muted">{moment(ms)}</div>}
      <div class="log-line">
        <button
          class="log-main"
          aria-expanded={open}
          onClick={onToggle}
          title={open ? 'Close' : 'Show everything of this record'}
        >
          <span class="mono muted">{clock(ms)}</span>
          <span class={`severity sev-${severityColor(log.severity)}`}>{log.severity || '–'}</span>
          <span class="log-service">
            <i class={`swatch bg-${serviceColor(log.service)}`} />
            {log.service}
          </span>
          <span class="log-text">
            {valueText(log.body) || log.event_name}
            <span class="log-brief">{brief(log)}</span>
          </span>
        </button>
        {log.trace_id ? (
          <a class="log-trace" href={traceHref(log)} title="Open its trace (t)">
            trace →
          </a>
        ) : (
          <span />
        )}
      </div>
      {open && <LogDetails log={log} />}
    </div>
  );
}

function LogDetails({ log }: { log: LogRecord }) {
  const search = (condition: string) =>
    href('/logs', { attr: [...params.value.getAll('attr'), condition], q: params.value.get('q') });
  return (
    <div class="log-details">
      {typeof log.body === 'string' && log.body.includes('\n') && <pre>{log.body}</pre>}
      {typeof log.body === 'object' && <pre>{JSON.stringify(log.body, null, 2)}</pre>}
      <div class="grid-2">
        <section>
          <h3>Attributes</h3>
          <AttributeList attributes={log.attributes} search={search} />
        </section>
        <section>
          <h3>Resource</h3>
          <AttributeList attributes={log.resource} />
        </section>
      </div>
      <p class="log-links">
        {log.trace_id && <a href={traceHref(log)}>Open its trace</a>}
        {log.trace_id && (
          <button class="link" onClick={() => setParams({ trace_id: log.trace_id })}>
            All logs of this trace
          </button>
        )}
        <span class="muted small">{new Date(toMs(log.time_ns)).toISOString()}</span>
      </p>
    </div>
  );
}
