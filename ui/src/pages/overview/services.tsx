// Every service in a row: its state, and the three figures that made it.
import { overTime, type Line } from '../../api/prom';
import { perService } from '../../api/red';
import { context, service as chosen, serviceNames } from '../../api/context';
import type { ServiceVerdict, State, Verdict } from '../../api/vedette';
import { duration, percent, rate } from '../../base/format';
import { useQuery } from '../../base/query';
import { href, navigate } from '../../base/router';
import { range, rateWindow, tick } from '../../base/time_range';
import { Sparkline } from '../../charts/sparkline';
import { last } from '../../charts/time_chart';
import { ErrorNote, Skeleton, StateMark } from '../../widgets/states';
import { Table, type Column } from '../../widgets/table';

interface Row {
  name: string;
  state: State;
  sentence: string;
  rate: number | null;
  errors: number | null;
  p95: number | null;
  traffic: (number | null)[];
}

const kOrder: Record<State, number> = { broken: 0, degrading: 1, unknown: 2, healthy: 3 };

export function serviceRows(
  names: string[],
  verdicts: ServiceVerdict[],
  lines: { rate: Line[]; errors: Line[]; p95: Line[] },
): Row[] {
  const of = (all: Line[], name: string) =>
    all.find((line) => line.labels.service === name)?.values ?? [];
  return names.map((name) => {
    const said = verdicts.find((one) => one.service === name);
    return {
      name,
      state: said?.state ?? 'unknown',
      sentence: said?.sentence ?? 'Nothing was heard from it in the last minutes.',
      rate: last(of(lines.rate, name)) ?? said?.requests_per_second ?? null,
      errors: last(of(lines.errors, name)) ?? said?.error_ratio ?? null,
      p95: last(of(lines.p95, name)) ?? said?.p95_seconds ?? null,
      traffic: of(lines.rate, name),
    };
  });
}

const kColumns: Column<Row>[] = [
  {
    id: 'service',
    head: 'Service',
    sort: (row) => row.name,
    cell: (row) => <a href={href('/endpoints', { service: row.name })}>{row.name}</a>,
  },
  {
    id: 'state',
    head: 'Is it healthy?',
    wide: true,
    sort: (row) => kOrder[row.state],
    cell: (row) => (
      <span class="state-line">
        <StateMark state={row.state} />
        {row.sentence}
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
      <span class={row.errors && row.errors >= 0.01 ? 'bad' : ''}>{percent(row.errors)}</span>
    ),
  },
  { id: 'p95', head: 'p95', numeric: true, sort: (r) => r.p95, cell: (r) => duration(r.p95) },
  {
    id: 'traffic',
    head: 'Traffic',
    cell: (row) => <Sparkline values={row.traffic} label={`Traffic of ${row.name}`} />,
  },
];

export function ServicesTable({ verdict }: { verdict: Verdict | undefined }) {
  const now = range.value;
  const window = rateWindow(now.step);
  const loaded = useQuery(`services ${now.from} ${now.to}`, tick.value, async (abort) => {
    const ask = (expr: string) => overTime(expr, now, abort).then((grid) => grid.lines);
    const [rateLines, errors, p95] = await Promise.all([
      ask(perService((red) => red.rate(window, [red.serviceLabel]))),
      ask(perService((red) => red.errorRatio(window, [red.serviceLabel]))),
      ask(perService((red) => red.quantile(0.95, window, [red.serviceLabel]))),
    ]);
    return { rate: rateLines, errors, p95 };
  });
  const names = chosen.value ? [chosen.value] : serviceNames.value;
  return (
    <section class="card">
      <div class="section-head">
        <h2>Services</h2>
      </div>
      {loaded.error && !loaded.data ? (
        <ErrorNote error={loaded.error} />
      ) : !loaded.data || !context.value ? (
        <Skeleton height={120} />
      ) : (
        <Table
          label="Services"
          keys
          columns={kColumns}
          rows={serviceRows(names, verdict?.services ?? [], loaded.data)}
          rowKey={(row) => row.name}
          sortBy="state"
          onOpen={(row) => navigate(href('/endpoints', { service: row.name }))}
        />
      )}
    </section>
  );
}
