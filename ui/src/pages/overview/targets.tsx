// What the server scrapes, and whether it answers.
import { targets, toMs, type State, type Target, type Verdict } from '../../api/vedette';
import { ago, duration, whole } from '../../base/format';
import { useQuery } from '../../base/query';
import { tick } from '../../base/time_range';
import { StateMark } from '../../widgets/states';
import { Table, type Column } from '../../widgets/table';

const kState: Record<Target['health'], State> = {
  up: 'healthy',
  down: 'broken',
  unknown: 'unknown',
};

function ageOf(target: Target): string {
  const ms = toMs(target.last_scrape_ns || '0');
  return ms ? `${ago(Math.max(0, Date.now() - ms) / 1000)} ago` : 'not yet';
}

const kColumns: Column<Target>[] = [
  { id: 'job', head: 'Job', sort: (t) => t.job, cell: (t) => t.job },
  { id: 'url', head: 'Address', wide: true, cell: (t) => <span class="muted">{t.url}</span> },
  {
    id: 'health',
    head: 'Answers',
    sort: (t) => t.health,
    cell: (t) => (
      <span class="state-line">
        <StateMark state={kState[t.health]} />
        {t.health === 'up' ? 'yes' : t.last_error || (t.health === 'down' ? 'no' : 'not asked yet')}
      </span>
    ),
  },
  { id: 'age', head: 'Last scrape', numeric: true, cell: ageOf },
  {
    id: 'took',
    head: 'Took',
    numeric: true,
    sort: (t) => t.last_duration_ns,
    cell: (t) => duration(t.last_duration_ns / 1e9),
  },
  {
    id: 'samples',
    head: 'Samples',
    numeric: true,
    sort: (t) => t.samples,
    cell: (t) => whole(t.samples),
  },
];

export function Targets({ verdict }: { verdict: Verdict | undefined }) {
  const loaded = useQuery('targets', tick.value, targets);
  const rows = loaded.data ?? [];
  if (!rows.length) return null;
  const down = verdict?.targets.filter((target) => target.state === 'broken') ?? [];
  return (
    <section class="card">
      <div class="section-head">
        <h2>Scrape targets</h2>
        <span class={down.length ? 'bad' : 'muted'}>
          {down[0]?.sentence ?? 'Every target answers.'}
        </span>
      </div>
      <Table label="Scrape targets" columns={kColumns} rows={rows} rowKey={(t) => t.url} />
    </section>
  );
}
