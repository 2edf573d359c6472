// Looking for traces: conditions, a picture of time against duration, and the list.
import { useState } from 'preact/hooks';
import { service, silent } from '../../api/context';
import {
  operations,
  searchTraces,
  toMs,
  type TraceQuery,
  type TraceSummary,
} from '../../api/vedette';
import { serviceColor } from '../../base/colors';
import { clock, duration, moment, plural, whole } from '../../base/format';
import { useKeys } from '../../base/keys';
import { usePages } from '../../base/pages';
import { useQuery } from '../../base/query';
import { href, navigate, params, setParams } from '../../base/router';
import { listRange, range, tick, zoomTo } from '../../base/time_range';
import { Scatter } from '../../charts/scatter';
import { attributeConditions, AttributeFilters } from '../../widgets/attribute_filters';
import { Empty, ErrorNote, FirstSteps, Skeleton } from '../../widgets/states';
import './traces.css';

const kPage = 200;

function currentQuery(): TraceQuery {
  const get = (name: string) => params.value.get(name) ?? undefined;
  return {
    service: service.value || undefined,
    operation: get('operation'),
    status: get('status'),
    min_duration: get('min'),
    max_duration: get('max'),
    attr: attributeConditions(),
  };
}

export function TraceSearch() {
  const query = currentQuery();
  const { from, to } = range.value;
  const fixed = listRange.value.end ? `${from} ${to}` : `${to - from}`;
  const asked = `${JSON.stringify(query)} ${fixed}`;
  const pages = usePages<TraceSummary>(asked, `${from}`, tick.value, (cursor, abort) =>
    searchTraces({ ...query, ...listRange.value, limit: kPage, cursor }, abort).then(
      ({ traces, next }) => ({ items: traces, next }),
    ),
  );
  const { first: loaded, items: traces } = pages;
  const times = traces.map((trace) => toMs(trace.start_ns) / 1000);
  const [cursor, setCursor] = useState(-1);
  const open = (id: string) => navigate(href(`/traces/${id}`));
  const move = (step: number) => {
    const at = Math.max(0, Math.min(traces.length - 1, cursor + step));
    setCursor(at);
    document.querySelectorAll<HTMLElement>('.trace-row')[at]?.focus();
  };
  useKeys('Lists', [
    { keys: 'j', help: 'Next trace', run: () => move(1) },
    { keys: 'k', help: 'Previous trace', run: () => move(-1) },
    // The row has the focus and is a link: Enter needs no help of ours.
    { keys: 'Enter', help: 'Open the trace', run: () => undefined },
  ]);

  if (silent.value) {
    return (
      <section class="card">
        <FirstSteps what="traces" />
      </section>
    );
  }
  return (
    <>
      <SearchForm />
      {loaded.error ? (
        <ErrorNote error={loaded.error} />
      ) : !loaded.data ? (
        <Skeleton height={420} />
      ) : traces.length === 0 ? (
        <section class="card">
          <Empty title="No trace meets these conditions.">
            Widen the time range, or <a href={href('/traces')}>drop the conditions</a>.
          </Empty>
        </section>
      ) : (
        <>
          <section class="card pad" aria-label="Traces by time and duration">
            <p class="sentence">{sentence(traces, pages.more)}</p>
            <Scatter
              from={pages.more ? Math.min(...times) : from}
              to={Math.max(to, ...times)}
              dots={traces.map((trace) => ({
                id: trace.trace_id,
                time: toMs(trace.start_ns) / 1000,
                seconds: trace.duration_ns / 1e9,
                bad: trace.errors > 0,
                label: `${trace.root_service} ${trace.root_name}`,
              }))}
              selected={traces[cursor]?.trace_id ?? null}
              onOpen={open}
              onZoom={zoomTo}
            />
          </section>
          <TraceList traces={traces} cursor={cursor} />
          {pages.error && <ErrorNote error={pages.error} />}
          {pages.more && (
            <button class="button center" onClick={pages.loadMore}>
              Older traces
            </button>
          )}
        </>
      )}
    </>
  );
}

export function sentence(traces: TraceSummary[], more: boolean): string {
  const failed = traces.filter((trace) => trace.errors > 0).length;
  const slowest = Math.max(...traces.map((trace) => trace.duration_ns)) / 1e9;
  const what = more ? `The newest ${whole(traces.length)} traces` : plural(traces.length, 'trace');
  const errors =
    failed === 0 ? 'none has an error' : `${whole(failed)} ${failed === 1 ? 'has' : 'have'} errors`;
  return `${what}: ${errors}; the longest took ${duration(slowest)}.`;
}

function SearchForm() {
  const { from, to } = range.value;
  const get = (name: string) => params.value.get(name) ?? '';
  const minutes = Math.floor(to / 300);
  const names = useQuery(`${service.value} ${to - from} ${minutes}`, 0, (abort) =>
    operations(service.value, from, to, abort),
  );
  const field = (name: string, label: string, hint: string, wide = false) => (
    <input
      class={`field ${wide ? 'filter-wide' : 'filter-short'}`}
      aria-label={label}
      title={label}
      placeholder={hint}
      list={name === 'operation' ? 'operations' : undefined}
      data-search={name === 'operation' ? '' : undefined}
      value={get(name)}
      onChange={(event) => setParams({ [name]: event.currentTarget.value.trim() })}
    />
  );
  return (
    <form class="filters" role="search" onSubmit={(event) => event.preventDefault()}>
      {field('operation', 'Operation (the span’s name)', 'Any operation', true)}
      <datalist id="operations">
        {(names.data ?? []).map((one) => (
          <option key={one.name} value={one.name} />
        ))}
      </datalist>
      <div class="segmented" role="group" aria-label="Status">
        {[
          ['', 'All'],
          ['error', 'Errors'],
          ['ok', 'Ok'],
        ].map(([value, label]) => (
          <button
            key={value}
            type="button"
            aria-pressed={get('status') === value}
            onClick={() => setParams({ status: value })}
          >
            {label}
          </button>
        ))}
      </div>
      {field('min', 'At least this long, such as 100ms', '≥ 100ms')}
      {field('max', 'At most this long, such as 2s', '≤ 2s')}
      <AttributeFilters table="spans" />
    </form>
  );
}

function TraceList({ traces, cursor }: { traces: TraceSummary[]; cursor: number }) {
  const longest = Math.max(1, ...traces.map((trace) => trace.duration_ns));
  return (
    <section class="card trace-list" aria-label="Traces, newest first">
      {traces.map((trace, i) => {
        const ms = toMs(trace.start_ns);
        return (
          <a
            key={trace.trace_id}
            class={`trace-row ${i === cursor ? 'active' : ''}`}
            href={href(`/traces/${trace.trace_id}`)}
          >
            <span class="trace-name">
              <i class={`swatch bg-${serviceColor(trace.root_service)}`} />
              <span class="muted">{trace.root_service}</span>
              <b>{trace.root_name}</b>
              {!trace.has_root && (
                <span
                  class="tag"
                  title="Its first span has not arrived (yet); the earliest one stands in"
                >
                  incomplete
                </span>
              )}
            </span>
            <span class="trace-bar">
              <i
                class={trace.errors ? 'bg-bad' : 'bg-series-1'}
                style={{ width: `${Math.max(0.6, (trace.duration_ns / longest) * 100)}%` }}
              />
            </span>
            <span class="num">{duration(trace.duration_ns / 1e9)}</span>
            <span class={`num ${trace.errors ? 'bad' : 'muted'}`}>
              {trace.errors ? plural(trace.errors, 'error') : plural(trace.spans, 'span')}
            </span>
            <span class="trace-services">
              {trace.services.map((one) => (
                <i
                  key={one.name}
                  class={`swatch bg-${serviceColor(one.name)}`}
                  title={`${one.name}: ${plural(one.spans, 'span')}`}
                />
              ))}
            </span>
            <span class="num muted" title={moment(ms)}>
              {clock(ms)}
            </span>
          </a>
        );
      })}
    </section>
  );
}
