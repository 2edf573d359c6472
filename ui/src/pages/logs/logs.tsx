// Log records: how many of which severity over time, and the records themselves, newest first.
import { useEffect, useRef, useState } from 'preact/hooks';
import { service, silent } from '../../api/context';
import {
  logHistogram,
  nsBetween,
  searchLogs,
  toMs,
  type LogQuery,
  type LogRecord,
} from '../../api/vedette';
import { severityColor } from '../../base/colors';
import { plural, whole } from '../../base/format';
import { useKeys } from '../../base/keys';
import { usePages } from '../../base/pages';
import { useQuery, type Loaded } from '../../base/query';
import { href, navigate, params, setParams } from '../../base/router';
import { listRange, range, tick, zoomTo } from '../../base/time_range';
import { Histogram, type BarSeries } from '../../charts/histogram';
import { attributeConditions, AttributeFilters } from '../../widgets/attribute_filters';
import { Empty, ErrorNote, FirstSteps, Skeleton } from '../../widgets/states';
import { LogRow, logKey, traceHref } from './log_row';
import './logs.css';

const kPage = 200;
const kBuckets = 80;
const kSeverities = ['FATAL', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'TRACE', ''];

function currentQuery(): LogQuery {
  const get = (name: string) => params.value.get(name) ?? undefined;
  const traceId = get('trace_id');
  const time = traceId ? {} : listRange.value;
  return {
    service: service.value || undefined,
    q: get('q'),
    severity: get('severity'),
    trace_id: traceId,
    span_id: get('span_id'),
    attr: attributeConditions(),
    ...time,
  };
}

export function bars(series: { severity: string; counts: number[] }[]): BarSeries[] {
  const order = (severity: string) => kSeverities.indexOf(severity);
  // The severest lie at the bottom, where the eye compares them best.
  return [...series]
    .sort((a, b) => order(a.severity) - order(b.severity))
    .map(({ severity, counts }) => ({
      name: severity || 'without severity',
      color: severityColor(severity),
      counts,
    }));
}

export function Logs() {
  const query = currentQuery();
  const { from, to } = range.value;
  const fixed = query.end ? `${from} ${to}` : `${to - from}`;
  const asked = `${JSON.stringify({ ...query, start: 0, end: 0 })} ${fixed}`;
  const pages = usePages<LogRecord>(asked, `${from}`, tick.value, (cursor, abort) =>
    searchLogs({ ...query, limit: kPage, cursor }, abort).then(({ logs, next }) => ({
      items: logs,
      next,
    })),
  );
  const logs = pages.items;
  const histogram = useQuery(JSON.stringify(query), tick.value, (abort) =>
    query.trace_id ? Promise.resolve(null) : logHistogram(query, kBuckets, abort),
  );
  const [cursor, setCursor] = useState(-1);
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set());
  const toggle = (log: LogRecord) => {
    const next = new Set(open);
    if (!next.delete(logKey(log))) next.add(logKey(log));
    setOpen(next);
  };
  const move = (step: number) => {
    const at = Math.max(0, Math.min(logs.length - 1, cursor + step));
    setCursor(at);
    document.querySelectorAll<HTMLElement>('.log-main')[at]?.focus();
  };
  useKeys('Logs', [
    { keys: 'j', help: 'Next record', run: () => move(1) },
    { keys: 'k', help: 'Previous record', run: () => move(-1) },
    // The row has the focus and is a button: Enter needs no help of ours.
    { keys: 'Enter', help: 'Show its attributes', run: () => undefined },
    {
      keys: 't',
      help: 'Open its trace',
      run: () => logs[cursor]?.trace_id && navigate(traceHref(logs[cursor])),
    },
  ]);
  if (silent.value) {
    return (
      <section class="card">
        <FirstSteps what="logs" />
      </section>
    );
  }
  return (
    <>
      <LogFilters />
      {histogram.data && (
        <section class="card pad" aria-label="Logs over time">
          <p class="sentence">{sentence(histogram.data.series)}</p>
          <Histogram
            label="Log records by severity"
            start={toMs(histogram.data.start_ns) / 1000}
            step={histogram.data.step_ns / 1e9}
            series={bars(histogram.data.series)}
            onZoom={zoomTo}
          />
        </section>
      )}
      <LogList loaded={pages.first} logs={logs} cursor={cursor} open={open} onToggle={toggle} />
      {pages.error && <ErrorNote error={pages.error} />}
      {pages.more && <More onSeen={pages.loadMore} />}
    </>
  );
}

export function sentence(series: { severity: string; counts: number[] }[]): string {
  const total = (wanted: string[]) =>
    series
      .filter((one) => wanted.includes(one.severity))
      .reduce((sum, one) => sum + one.counts.reduce((a, b) => a + b, 0), 0);
  const all = total(kSeverities);
  if (!all) return 'Nothing was logged that meets these conditions.';
  const errors = total(['ERROR', 'FATAL']);
  const warnings = total(['WARN']);
  if (!errors && !warnings) return `${plural(all, 'record')}, no error and no warning among them.`;
  const parts = [errors && plural(errors, 'error'), warnings && plural(warnings, 'warning')].filter(
    Boolean,
  );
  return `${parts.join(' and ')} among ${whole(all)} records.`;
}

interface ListProps {
  loaded: Loaded<unknown>;
  logs: LogRecord[];
  cursor: number;
  open: ReadonlySet<string>;
  onToggle: (log: LogRecord) => void;
}

function LogList({ loaded, logs, cursor, open, onToggle }: ListProps) {
  if (loaded.error && !loaded.data) return <ErrorNote error={loaded.error} />;
  if (!loaded.data) return <Skeleton height={420} />;
  if (!logs.length) {
    return (
      <section class="card">
        <Empty title="No log record meets these conditions.">
          Widen the time range, or <a href={href('/logs')}>drop the conditions</a>.
        </Empty>
      </section>
    );
  }
  return (
    <section class="card log-list" aria-label="Log records, newest first">
      {loaded.error && <ErrorNote error={loaded.error} />}
      {logs.map((log, i) => (
        <LogRow
          key={`${logKey(log)}${i}`}
          log={log}
          active={i === cursor}
          open={open.has(logKey(log))}
          newDay={i > 0 && nsBetween(log.time_ns, logs[i - 1]!.time_ns) > 86400e9}
          onToggle={() => onToggle(log)}
        />
      ))}
    </section>
  );
}

/** Asks for more when it comes into sight. */
function More({ onSeen }: { onSeen: () => void }) {
  const mark = useRef<HTMLDivElement>(null);
  const latest = useRef(onSeen);
  latest.current = onSeen;
  useEffect(() => {
    const observer = new IntersectionObserver(
      (entries) => entries.some((entry) => entry.isIntersecting) && latest.current(),
      { rootMargin: '600px' },
    );
    observer.observe(mark.current!);
    return () => observer.disconnect();
  });
  return (
    <div ref={mark} class="muted center" role="status">
      Loading older records…
    </div>
  );
}

function LogFilters() {
  const get = (name: string) => params.value.get(name) ?? '';
  const traceId = get('trace_id');
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      <input
        class="field filter-wide"
        type="search"
        data-search
        placeholder={'Words, "a phrase", -not this'}
        aria-label="Words of the log's text"
        value={get('q')}
        onChange={(event) => setParams({ q: event.currentTarget.value.trim() })}
      />
      <div class="segmented" role="group" aria-label="Severity, at least">
        {[
          ['', 'All'],
          ['info', 'Info+'],
          ['warn', 'Warn+'],
          ['error', 'Error+'],
        ].map(([value, label]) => (
          <button
            key={value}
            type="button"
            aria-pressed={get('severity') === value}
            onClick={() => setParams({ severity: value })}
          >
            {label}
          </button>
        ))}
      </div>
      <AttributeFilters table="logs" />
      {traceId && (
        <span class="chip">
          trace <a href={href(`/traces/${traceId}`)}>{traceId.slice(0, 12)}…</a>
          <button
            type="button"
            class="icon-button"
            aria-label="Show logs of all traces"
            onClick={() => setParams({ trace_id: null, span_id: null })}
          >
            ×
          </button>
        </span>
      )}
    </form>
  );
}
