// Is it healthy? A sentence first, then the four golden signals, the services and what is scraped.
import { context, service, silent, source } from '../../api/context';
import { useGrouped, useLines } from '../../api/lines';
import { Red } from '../../api/red';
import { verdict, type Cause, type Verdict as Answer } from '../../api/vedette';
import { bytes, moment, percent } from '../../base/format';
import { useQuery, type Loaded } from '../../base/query';
import { href } from '../../base/router';
import { rateWindow, range, tick, presetId } from '../../base/time_range';
import { last, TimeChart } from '../../charts/time_chart';
import { ErrorNote, FirstSteps, Skeleton, StateMark, Verdict } from '../../widgets/states';
import { ServicesTable } from './services';
import { Targets } from './targets';
import { saturationQueries } from './saturation';

export function Overview() {
  // Of now, or of the end of the time that was chosen.
  const time = presetId.value == null ? range.value.to : undefined;
  const answer = useQuery(`${service.value} ${time}`, tick.value, (abort) =>
    verdict(service.value, time, abort),
  );
  if (silent.value) {
    return (
      <section class="card">
        <FirstSteps what="requests, traces or logs" />
      </section>
    );
  }
  return (
    <>
      <VerdictBanner answer={answer} />
      {context.value && <GoldenSignals />}
      <ServicesTable verdict={answer.data} />
      <Targets verdict={answer.data} />
    </>
  );
}

function VerdictBanner({ answer }: { answer: Loaded<Answer> }) {
  if (answer.error && !answer.data) return <ErrorNote error={answer.error} />;
  if (!answer.data) return <Skeleton height={96} />;
  const { state, sentence, services } = answer.data;
  const causes = services.flatMap((one) =>
    one.causes.map((cause) => ({ ...cause, service: one.service })),
  );
  return (
    <Verdict state={state} sentence={sentence}>
      {causes.length > 0 && (
        <ul class="causes">
          {causes.slice(0, 6).map((cause) => (
            <li key={`${cause.service}${cause.kind}${cause.subject}`}>
              <StateMark state={cause.state} />
              <span>
                {cause.service}: {cause.sentence}
                <Evidence cause={cause} service={cause.service} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Verdict>
  );
}

/** Links to what proves a cause. */
function Evidence({ cause, service: name }: { cause: Cause; service: string }) {
  if (cause.kind === 'target') return null;
  const more = {
    errors: { text: 'All failed traces', to: href('/traces', { service: name, status: 'error' }) },
    latency: {
      text: 'All slow traces',
      to: href('/traces', { service: name, min: `${cause.value.toFixed(4)}s` }),
    },
    dependency: { text: 'What it calls', to: href('/dependencies', { service: name }) },
  }[cause.kind];
  return (
    <span class="evidence">
      {cause.trace_id && <a href={href(`/traces/${cause.trace_id}`)}>Example trace</a>}
      {more && <a href={more.to}>{more.text}</a>}
      <a href={href('/logs', { service: name, severity: 'error' })}>Its error logs</a>
      {Number(cause.since_ns) > 0 && (
        <span class="muted small">since {moment(Number(BigInt(cause.since_ns) / 1000000n))}</span>
      )}
    </span>
  );
}

function GoldenSignals() {
  const red = new Red(source.value, service.value);
  const window = rateWindow(range.value.step);
  const latency = useLines(
    [
      { name: 'p50', color: 'ramp-1', expr: red.quantile(0.5, window) },
      { name: 'p95', color: 'ramp-2', expr: red.quantile(0.95, window) },
      { name: 'p99', color: 'ramp-3', expr: red.quantile(0.99, window) },
    ],
    red.exemplarSelectors(),
  );
  const traffic = useLines([
    { name: 'requests', color: 'series-1', expr: red.rate(window), fill: true },
  ]);
  const errors = useLines([
    { name: 'failed requests', color: 'bad', expr: red.errorRatio(window), fill: true },
  ]);
  const p95 = latency.data?.series[1];
  return (
    <div class="grid-2">
      <TimeChart
        title="Latency"
        note="how long requests take"
        unit="seconds"
        loaded={latency}
        headline={p95 ? `p95 ${formatP95(p95.values)}` : undefined}
        empty="No requests in this time range."
      />
      <TimeChart
        title="Traffic"
        note="requests served"
        unit="rate"
        loaded={traffic}
        empty="No requests in this time range."
      />
      <TimeChart
        title="Errors"
        note="share of requests that fail"
        unit="ratio"
        loaded={errors}
        atLeast={0.01}
        empty="No requests in this time range."
      />
      <Saturation />
    </div>
  );
}

const formatP95 = (values: (number | null)[]) => {
  const value = last(values);
  if (value == null) return '–';
  return value >= 1 ? `${value.toFixed(2)} s` : `${Math.round(value * 1000)} ms`;
};

/** How full the processes are: CPU as the chart, requests in progress and memory in words. */
function Saturation() {
  const queries = saturationQueries(service.value, rateWindow(range.value.step));
  const cpu = useGrouped({
    expr: queries.cpu,
    nameOf: (labels) => `${labels.job ?? ''} CPU`,
    count: 5,
  });
  const facts = useLines([
    { name: 'memory', color: 'series-1', expr: queries.memory },
    { name: 'in progress', color: 'series-1', expr: queries.inProgress },
  ]);
  const memory = last(facts.data?.series[0]?.values ?? []);
  const inProgress = last(facts.data?.series[1]?.values ?? []);
  const note = [
    inProgress != null && `${inProgress} in progress`,
    memory != null && `${bytes(memory)} of memory`,
  ]
    .filter(Boolean)
    .join(' · ');
  const busiest = Math.max(...(cpu.data?.series.map((one) => last(one.values) ?? 0) ?? [0]));
  return (
    <TimeChart
      title="Saturation"
      note={note || 'how full the processes are'}
      unit="ratio"
      loaded={cpu}
      atLeast={0.1}
      headline={cpu.data?.series.length ? `${percent(busiest)} of a core` : undefined}
      empty="No process metrics: they come with an app's /metrics page. Add it under `scrape` in the configuration."
    />
  );
}
