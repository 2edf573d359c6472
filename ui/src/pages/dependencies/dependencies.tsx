// Databases, the cache, other services: how fast they answer and how often they fail.
import { service, silent } from '../../api/context';
import { useGrouped, useLines } from '../../api/lines';
import { instant } from '../../api/prom';
import { duration, percent, rate } from '../../base/format';
import { useQuery } from '../../base/query';
import { href, navigate } from '../../base/router';
import { range, rateWindow, recentSeconds, tick } from '../../base/time_range';
import { TimeChart } from '../../charts/time_chart';
import { ErrorNote, FirstSteps, Skeleton, StateMark, Verdict } from '../../widgets/states';
import { Table, type Column } from '../../widgets/table';
import {
  calls,
  dependencyState,
  dependencyVerdict,
  failedRatio,
  hitRatio,
  kLabel,
  latency,
  lookups,
  type Dependency,
  type Kind,
} from './queries';

async function loadKind(kind: Kind, of: string, time: number, window: string, abort: AbortSignal) {
  const by = [kLabel[kind]];
  const exprs = [
    calls(kind, of, window, by),
    failedRatio(kind, of, window, by),
    latency(kind, of, 0.5, window, by),
    latency(kind, of, 0.95, window, by),
  ];
  const [rates, errors, p50, p95] = await Promise.all(
    exprs.map((expr) => instant(expr, time, abort)),
  );
  const valueOf = (samples: typeof rates, name: string) =>
    samples?.find((sample) => sample.labels[kLabel[kind]] === name)?.value ?? null;
  return (rates ?? [])
    .filter((sample) => sample.value > 0)
    .map(({ labels, value }): Dependency => {
      const name = labels[kLabel[kind]] ?? '';
      return {
        kind,
        name,
        rate: value,
        errors: valueOf(errors, name),
        p50: valueOf(p50, name),
        p95: valueOf(p95, name),
      };
    });
}

export function Dependencies() {
  const { from, to } = range.value;
  const window = `${to - from}s`;
  const of = service.value;
  const loaded = useQuery(`${of} ${from} ${to}`, tick.value, async (abort) => {
    const ask = (over: string) =>
      Promise.all([
        loadKind('database', of, to, over, abort),
        loadKind('external', of, to, over, abort),
      ]).then((kinds) => kinds.flat());
    const [rows, recent, hits] = await Promise.all([
      ask(window),
      ask(`${recentSeconds(to - from)}s`),
      instant(hitRatio(of, window), to, abort),
    ]);
    return { rows, recent, hits: hits[0]?.value ?? null };
  });
  if (silent.value) {
    return (
      <section class="card">
        <FirstSteps what="calls to databases or other services" />
      </section>
    );
  }
  if (loaded.error && !loaded.data) return <ErrorNote error={loaded.error} />;
  if (!loaded.data) return <Skeleton height={420} />;
  const { rows, recent, hits } = loaded.data;
  const { state, sentence } = dependencyVerdict(recent, hits, recentSeconds(to - from));
  return (
    <>
      <Verdict state={state} sentence={sentence}>
        {state === 'unknown' && (
          <p class="muted">
            Calls by SQLAlchemy, redis and httpx appear by themselves in an instrumented app:{' '}
            <code>vedette.instrument(app, engine=engine)</code>.
          </p>
        )}
      </Verdict>
      {rows.length > 0 && (
        <section class="card">
          <Table
            label="Dependencies"
            keys
            columns={columns(to - from)}
            rows={rows}
            rowKey={(row) => row.kind + row.name}
            sortBy="rate"
            onOpen={(row) => navigate(tracesOf(row))}
          />
        </section>
      )}
      <Charts of={of} />
    </>
  );
}

const tracesOf = (row: Dependency, status?: string) =>
  href('/traces', {
    attr: [`${row.kind === 'database' ? 'db.system.name' : 'server.address'}=${row.name}`],
    status,
  });

function columns(seconds: number): Column<Dependency>[] {
  return [
    {
      id: 'name',
      head: 'Dependency',
      wide: true,
      sort: (row) => row.name,
      cell: (row) => (
        <span class="state-line">
          <StateMark state={dependencyState(row, seconds)} />
          <b>{row.name}</b>
          <span class="muted">{row.kind === 'database' ? 'data store' : 'service'}</span>
        </span>
      ),
    },
    { id: 'rate', head: 'Calls', numeric: true, sort: (r) => r.rate, cell: (r) => rate(r.rate) },
    {
      id: 'errors',
      head: 'Fail',
      numeric: true,
      sort: (row) => row.errors,
      cell: (row) => (
        <span class={dependencyState(row, seconds) === 'healthy' ? '' : 'bad'}>
          {percent(row.errors)}
        </span>
      ),
    },
    { id: 'p50', head: 'p50', numeric: true, sort: (r) => r.p50, cell: (r) => duration(r.p50) },
    { id: 'p95', head: 'p95', numeric: true, sort: (r) => r.p95, cell: (r) => duration(r.p95) },
    {
      id: 'traces',
      head: 'Evidence',
      cell: (row) => (
        <span class="evidence">
          <a href={tracesOf(row)} onClick={(event) => event.stopPropagation()}>
            traces
          </a>
          {!!row.errors && (
            <a href={tracesOf(row, 'error')} onClick={(event) => event.stopPropagation()}>
              failed ones
            </a>
          )}
        </span>
      ),
    },
  ];
}

function Charts({ of }: { of: string }) {
  const window = rateWindow(range.value.step);
  const statement = (labels: Record<string, string>) =>
    `${labels.span_name ?? ''} (${labels.db_system_name ?? ''})`;
  const database = useGrouped({
    expr: latency('database', of, 0.95, window, ['db_system_name', 'span_name']),
    nameOf: statement,
    count: 6,
  });
  const databaseMedian = useGrouped({
    expr: latency('database', of, 0.5, window, ['db_system_name', 'span_name']),
    nameOf: statement,
    count: 6,
  });
  const hits = useLines([{ name: 'hits', color: 'ok', expr: hitRatio(of, window), fill: true }]);
  const asked = useLines([
    { name: 'look-ups', color: 'series-1', expr: lookups(of, window), fill: true },
  ]);
  const address = (labels: Record<string, string>) => labels.server_address ?? '';
  const external = useLinesPer(of, window);
  const failures = useGrouped({
    expr: failedRatio('external', of, window, ['server_address']),
    nameOf: address,
  });
  const noDatabase = 'No call to a database in this time range.';
  const noCache =
    'No cache look-up counted. redis calls are counted once vedette.instrument() ran.';
  const noExternal = 'No call to another service in this time range.';
  return (
    <div class="grid-2">
      <TimeChart
        title="Database latency, p95"
        note="by statement"
        unit="seconds"
        loaded={database}
        empty={noDatabase}
        headline=""
      />
      <TimeChart
        title="Database latency, p50"
        note="by statement"
        unit="seconds"
        loaded={databaseMedian}
        empty={noDatabase}
        headline=""
      />
      <TimeChart
        title="Redis hit rate"
        note="look-ups that found something"
        unit="ratio"
        loaded={hits}
        atLeast={1}
        empty={noCache}
      />
      <TimeChart title="Redis look-ups" unit="rate" loaded={asked} empty={noCache} />
      <TimeChart
        title="External response time"
        note="p50 and p95 by server"
        unit="seconds"
        loaded={external}
        empty={noExternal}
        headline=""
      />
      <TimeChart
        title="External calls that fail"
        note="by server"
        unit="ratio"
        loaded={failures}
        atLeast={0.01}
        empty={noExternal}
      />
    </div>
  );
}

/** p95 of every server, and p50 beside it. */
function useLinesPer(of: string, window: string) {
  const name = (q: string) => (labels: Record<string, string>) =>
    `${labels.server_address ?? ''} ${q}`;
  const high = useGrouped({
    expr: latency('external', of, 0.95, window, ['server_address']),
    nameOf: name('p95'),
    count: 4,
  });
  const low = useGrouped({
    expr: latency('external', of, 0.5, window, ['server_address']),
    nameOf: name('p50'),
    count: 4,
  });
  if (!high.data || !low.data) return high;
  const light = low.data.series.map((series) => ({ ...series, color: 'ramp-1' }));
  return { ...high, data: { ...high.data, series: [...high.data.series, ...light] } };
}
