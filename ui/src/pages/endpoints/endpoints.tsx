// Every endpoint with its rate, errors and latency; a click shows one of them over time.
import { context, service, silent } from '../../api/context';
import { useGrouped, useLines } from '../../api/lines';
import { Red, type Sources } from '../../api/red';
import { duration, percent, rate } from '../../base/format';
import { useQuery } from '../../base/query';
import { href, params, setParams } from '../../base/router';
import { range, rateWindow, recentSeconds, tick } from '../../base/time_range';
import { serviceColor } from '../../base/colors';
import { TimeChart } from '../../charts/time_chart';
import { Icon } from '../../widgets/icon';
import { Empty, ErrorNote, FirstSteps, Skeleton, StateMark, Verdict } from '../../widgets/states';
import { Table, type Column } from '../../widgets/table';
import { endpointState, loadEndpoints, loadRows, verdictOver, type EndpointRow } from './rows';

async function loadBoth(
  sources: Sources,
  of: string,
  from: number,
  to: number,
  abort: AbortSignal,
) {
  const whole = { sources, service: of, time: to, seconds: to - from };
  const recent = { ...whole, seconds: recentSeconds(to - from) };
  const rows = await loadEndpoints(whole, abort);
  const recentRows = recent.seconds === whole.seconds ? rows : await loadRows(recent, abort);
  return {
    whole: { rows, seconds: whole.seconds },
    recent: { rows: recentRows, seconds: recent.seconds },
  };
}

export function Endpoints() {
  const { from, to } = range.value;
  const known = context.value;
  const key = `${service.value} ${from} ${to} ${known ? 'known' : ''}`;
  const loaded = useQuery(key, tick.value, (abort) =>
    known ? loadBoth(known.sources, service.value, from, to, abort) : Promise.resolve(undefined),
  );
  if (silent.value) {
    return (
      <section class="card">
        <FirstSteps what="requests" />
      </section>
    );
  }
  if (loaded.error && !loaded.data) return <ErrorNote error={loaded.error} />;
  if (!loaded.data) return <Skeleton height={420} />;
  const { whole, recent } = loaded.data;
  const rows = whole.rows;
  const { state, sentence } = verdictOver(recent, whole);
  const chosen = rows.find((row) => row.id === params.value.get('endpoint'));
  return (
    <>
      <Verdict state={state} sentence={sentence} />
      {chosen && <Detail row={chosen} key={chosen.id} />}
      <section class="card">
        {rows.length === 0 ? (
          <Empty title="No request in this time range.">Widen the time range.</Empty>
        ) : (
          <Table
            label="Endpoints"
            keys
            columns={columns(to - from)}
            rows={rows}
            rowKey={(row) => row.id}
            selected={chosen?.id ?? null}
            sortBy="rate"
            onOpen={(row) => {
              setParams({ endpoint: row.id === chosen?.id ? null : row.id });
              document.querySelector('main')?.scrollTo({ top: 0 });
            }}
          />
        )}
      </section>
    </>
  );
}

function columns(seconds: number): Column<EndpointRow>[] {
  return [
    {
      id: 'endpoint',
      head: 'Endpoint',
      wide: true,
      sort: (row) => row.name,
      cell: (row) => (
        <span class="state-line">
          <StateMark state={endpointState(row, seconds)} />
          <b>{row.name}</b>
        </span>
      ),
    },
    {
      id: 'service',
      head: 'Service',
      sort: (row) => row.service,
      cell: (row) => (
        <span class="state-line muted">
          <i class={`swatch bg-${serviceColor(row.service)}`} />
          {row.service}
        </span>
      ),
    },
    { id: 'rate', head: 'Requests', numeric: true, sort: (r) => r.rate, cell: (r) => rate(r.rate) },
    {
      id: 'errors',
      head: 'Fail',
      numeric: true,
      sort: (row) => row.errors,
      cell: (row) => (
        <span class={endpointState(row, seconds) === 'healthy' ? '' : 'bad'}>
          {percent(row.errors)}
        </span>
      ),
    },
    { id: 'p50', head: 'p50', numeric: true, sort: (r) => r.p50, cell: (r) => duration(r.p50) },
    { id: 'p95', head: 'p95', numeric: true, sort: (r) => r.p95, cell: (r) => duration(r.p95) },
    { id: 'p99', head: 'p99', numeric: true, sort: (r) => r.p99, cell: (r) => duration(r.p99) },
    {
      id: 'types',
      head: 'Top errors',
      cell: (row) => (
        <span class="types">
          {row.types.slice(0, 3).map((type) => (
            <span
              key={type.name}
              class={`tag ${type.name.startsWith('4') ? '' : 'tag-bad'}`}
              title={`${type.name}: ${rate(type.rate)}`}
            >
              {type.name}
            </span>
          ))}
        </span>
      ),
    },
  ];
}

function Detail({ row }: { row: EndpointRow }) {
  const red = new Red(row.source, row.service, row.labels);
  const window = rateWindow(range.value.step);
  const latency = useLines(
    [
      { name: 'p50', color: 'ramp-1', expr: red.quantile(0.5, window) },
      { name: 'p95', color: 'ramp-2', expr: red.quantile(0.95, window) },
      { name: 'p99', color: 'ramp-3', expr: red.quantile(0.99, window) },
    ],
    red.exemplarSelectors(),
  );
  const byStatus = row.source === 'app' ? ['status'] : ['status_code'];
  const traffic = useGrouped({
    expr: red.rate(window, byStatus),
    nameOf: (labels) => labels.status ?? statusName(labels.status_code ?? ''),
    colorOf: statusColor,
  });
  const errors = useLines([
    { name: 'failed', color: 'bad', expr: red.errorRatio(window), fill: true },
  ]);
  const link = (changes: Record<string, string | null>) =>
    href('/traces', { service: row.service, operation: row.name, ...changes });
  return (
    <section class="detail" aria-label={`${row.name} over time`}>
      <header class="detail-head">
        <h2>
          {row.name} <span class="muted">{row.service}</span>
        </h2>
        <span class="evidence">
          <a href={link({})}>Its traces</a>
          <a href={link({ status: 'error' })}>Failed ones</a>
          {row.p95 != null && (
            <a href={link({ min: `${row.p95.toFixed(4)}s` })}>Slow ones (over p95)</a>
          )}
        </span>
        <span class="spacer" />
        <button
          class="icon-button"
          aria-label="Close"
          title="Close"
          onClick={() => setParams({ endpoint: null })}
        >
          <Icon name="close" />
        </button>
      </header>
      <div class="grid-3">
        <TimeChart title="Latency" unit="seconds" loaded={latency} />
        <TimeChart
          title="Requests by status"
          unit="rate"
          stacked
          loaded={traffic}
          headline={rate(row.rate)}
        />
        <TimeChart title="Errors" unit="ratio" atLeast={0.01} loaded={errors} />
      </div>
    </section>
  );
}

const statusName = (code: string) => code.replace('STATUS_CODE_', '').toLowerCase();

function statusColor(status: string): string {
  if (status.startsWith('5') || status === 'error') return 'bad';
  if (status.startsWith('4')) return 'warn';
  if (status.startsWith('3')) return 'svc-8';
  return status === '200' || status.length > 3 ? 'series-1' : 'ramp-1';
}
