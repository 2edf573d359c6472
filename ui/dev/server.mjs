// A small server that answers as docs/api.md says, with made-up data: for work on the pages without the rest.
// It serves the built pages too, with the headers of the real server. `node dev/server.mjs [port]`
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { longTrace, makeHour } from './data.mjs';
import { metadata, series } from './prom.mjs';

const dist =
  process.env.VEDETTE_UI_OUT ?? join(fileURLToPath(new URL('..', import.meta.url)), 'dist');
const empty = process.argv.includes('--empty');
const started = Date.now();
const { traces, logs } = empty ? { traces: [], logs: [] } : makeHour(started);
const long = longTrace(10_000, started - 600_000);

const kPolicy =
  "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
  "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const kTypes = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

const kSummary = [
  'trace_id',
  'start_ns',
  'duration_ns',
  'root_service',
  'root_name',
  'has_root',
  'errors',
  'services',
];
const summary = (trace) => ({
  ...Object.fromEntries(kSummary.map((name) => [name, trace[name]])),
  spans: trace.spans.length,
});
const seconds = (ns) => Number(BigInt(ns) / 1000n) / 1e6;
const parseDuration = (text) => {
  const [, value, unit] = /^([\d.]+)(us|ms|s|m|h)$/.exec(text) ?? [];
  return Number(value) * { us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 }[unit];
};

function attrHolds(attributes, text) {
  const [, key, op, value] = /^!?([^\s=!<>~]+)(=~|!~|!=|>=|<=|=|>|<)?(.*)$/.exec(text);
  const actual = attributes[key];
  if (!op) return text.startsWith('!') ? actual === undefined : actual !== undefined;
  const words = String(actual ?? '');
  if (op === '=') return words === value;
  if (op === '!=') return words !== value;
  if (op === '=~') return new RegExp(value).test(words);
  if (op === '!~') return !new RegExp(value).test(words);
  return {
    '>': actual > +value,
    '<': actual < +value,
    '>=': actual >= +value,
    '<=': actual <= +value,
  }[op];
}

function findTraces(p) {
  const within = (ns) =>
    (!p.get('start') || seconds(ns) >= +p.get('start')) &&
    (!p.get('end') || seconds(ns) < +p.get('end'));
  const is = (name, actual) => !p.get(name) || p.get(name) === actual;
  return traces.filter((trace) =>
    trace.spans.some(
      (span) =>
        within(span.start_ns) &&
        is('service', trace.resources[span.resource].service) &&
        is('operation', span.name) &&
        is('status', span.status) &&
        (!p.get('min_duration') || span.duration_ns >= parseDuration(p.get('min_duration'))) &&
        (!p.get('max_duration') || span.duration_ns <= parseDuration(p.get('max_duration'))) &&
        p.getAll('attr').every((text) => attrHolds(span.attributes, text)),
    ),
  );
}

const kLevels = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 };
function findLogs(p) {
  const words = (p.get('q') ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return logs.filter(
    (log) =>
      (!p.get('start') || seconds(log.time_ns) >= +p.get('start')) &&
      (!p.get('end') || seconds(log.time_ns) < +p.get('end')) &&
      ['service', 'trace_id', 'span_id'].every(
        (name) => !p.get(name) || log[name] === p.get(name),
      ) &&
      log.severity_number >= (kLevels[p.get('severity')] ?? 0) &&
      words.every((word) => word.startsWith('-') !== log.body.includes(word.replace(/^-/, ''))) &&
      p.getAll('attr').every((text) => attrHolds(log.attributes, text)),
  );
}

function page(all, p, fallback) {
  const limit = +(p.get('limit') ?? fallback);
  const from = +(p.get('cursor') ?? 0);
  return [all.slice(from, from + limit), from + limit < all.length ? String(from + limit) : null];
}

function histogram(rows, time, name, p) {
  const [start, end, buckets] = [
    +p.get('start'),
    +(p.get('end') ?? now()),
    +(p.get('buckets') ?? 60),
  ];
  const step = (end - start) / buckets;
  const groups = new Map();
  for (const row of rows) {
    const counts = groups.get(row[name]) ?? new Array(buckets).fill(0);
    groups.set(row[name], counts);
    counts[Math.min(buckets - 1, Math.floor((seconds(row[time]) - start) / step))]++;
  }
  return {
    start_ns: `${BigInt(Math.round(start * 1e6)) * 1000n}`,
    step_ns: Math.round(step * 1e9),
    series: [...groups].map(([key, counts]) => ({ [name]: key, counts })),
  };
}

function verdict() {
  const since = `${BigInt(started - 420_000) * 1000000n}`;
  if (empty)
    return {
      state: 'unknown',
      sentence: 'Nothing was heard in the last five minutes.',
      since_ns: '',
      time_ns: '0',
      services: [],
      targets: [],
    };
  const example = traces.find((trace) => trace.errors > 0);
  return {
    state: 'broken',
    sentence: 'shop is broken: 13% of its requests fail, because calls to payments time out.',
    since_ns: since,
    time_ns: `${BigInt(Date.now()) * 1000000n}`,
    services: [
      {
        service: 'shop',
        state: 'broken',
        sentence: '13% of requests fail (usually 0.3%).',
        since_ns: since,
        requests_per_second: 7.3,
        error_ratio: 0.13,
        p95_seconds: 0.61,
        causes: [
          {
            kind: 'dependency',
            state: 'broken',
            sentence: 'Calls to payments fail: 34% of them end in ReadTimeout.',
            subject: 'payments',
            value: 0.34,
            usual: 0.003,
            since_ns: since,
            trace_id: example.trace_id,
          },
          {
            kind: 'latency',
            state: 'degrading',
            sentence: 'POST /orders takes 1.02 s at p95 (usually 140 ms).',
            subject: 'POST /orders',
            value: 1.02,
            usual: 0.14,
            since_ns: since,
            trace_id: example.trace_id,
          },
        ],
      },
      {
        service: 'payments',
        state: 'healthy',
        sentence: '0.1% of requests fail, p95 is 98 ms, as usual.',
        since_ns: '',
        requests_per_second: 2.4,
        error_ratio: 0.001,
        p95_seconds: 0.098,
        causes: [],
      },
    ],
    targets: [],
  };
}

const prometheus = (result, resultType) => ({ status: 'success', data: { resultType, result } });
const text = (value) => (Number.isFinite(value) ? String(value) : 'NaN');
const now = () => Date.now() / 1000;

const routes = {
  '/api/v1/query': (p) =>
    prometheus(
      empty
        ? []
        : series(p.get('query'), now()).map((s) => ({
            metric: s.labels,
            value: [+p.get('time'), text(s.at(+p.get('time')))],
          })),
      'vector',
    ),
  '/api/v1/query_range': (p) => {
    const [start, end, step] = ['start', 'end', 'step'].map((name) => +p.get(name));
    const points = (s) => {
      const out = [];
      for (let t = start; t <= Math.min(end, now()); t += step) out.push([t, text(s.at(t))]);
      return out;
    };
    return prometheus(
      empty
        ? []
        : series(p.get('query'), now()).map((s) => ({ metric: s.labels, values: points(s) })),
      'matrix',
    );
  },
  '/api/v1/metadata': () => ({ status: 'success', data: empty ? {} : metadata }),
  '/api/v1/query_exemplars': (p) => ({
    status: 'success',
    data: [
      {
        seriesLabels: {},
        exemplars: traces
          .filter((t) => t.root_name === 'POST /orders' && seconds(t.start_ns) > +p.get('start'))
          .slice(0, 25)
          .map((t) => ({
            labels: { trace_id: t.trace_id, span_id: t.spans[0].span_id },
            value: String(t.spans[0].duration_ns / 1e9),
            timestamp: seconds(t.start_ns),
          })),
      },
    ],
  }),
  '/vedette/v1/services': () => ({
    services: empty
      ? []
      : [
          { name: 'payments', spans: 900, errors: 0, logs: 400 },
          { name: 'shop', spans: 5120, errors: 12, logs: 880 },
        ],
  }),
  '/vedette/v1/operations': () => ({
    operations: [...new Set(traces.flatMap((t) => t.spans.map((s) => s.name)))].map((name) => ({
      name,
      spans: 10,
      errors: 0,
    })),
  }),
  '/vedette/v1/fields': (p) => ({
    fields:
      p.get('table') === 'logs'
        ? ['order_id', 'reason', 'user_id']
        : ['db.system.name', 'http.request.method', 'http.route', 'server.address', 'user.id'],
  }),
  '/vedette/v1/traces': (p) => {
    const [found, next] = page(findTraces(p), p, 20);
    return { traces: found.map(summary), next };
  },
  '/vedette/v1/logs': (p) => {
    const all = findLogs(p);
    const [found, next] = page(p.get('order') === 'oldest' ? all.reverse() : all, p, 100);
    return { logs: found, next };
  },
  '/vedette/v1/logs/histogram': (p) => histogram(findLogs(p), 'time_ns', 'severity', p),
  '/vedette/v1/verdict': verdict,
  '/vedette/v1/targets': () => ({
    targets: empty
      ? []
      : ['shop', 'payments'].map((job, i) => ({
          job,
          instance: `127.0.0.1:800${i}`,
          url: `http://127.0.0.1:800${i}/metrics`,
          health: 'up',
          last_scrape_ns: `${BigInt(Date.now() - 2300) * 1000000n}`,
          last_duration_ns: 4100000,
          last_error: '',
          samples: 412 - i * 90,
        })),
  }),
};

function answer(path, p) {
  if (routes[path]) return [200, routes[path](p)];
  const id = /^\/vedette\/v1\/traces\/(\w+)$/.exec(path)?.[1];
  const found =
    id && (traces.find((trace) => trace.trace_id === id) ?? (id === long.trace_id ? long : null));
  if (found) return [200, { ...found, logRecords: undefined }];
  return [404, { error: { code: 'not_found', message: `Nothing answers at ${path}.` } }];
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const headers = { 'content-security-policy': kPolicy, 'x-content-type-options': 'nosniff' };
  if (/^\/(api|vedette)\//.test(url.pathname)) {
    const [status, body] = answer(url.pathname, url.searchParams);
    response.writeHead(status, { ...headers, 'content-type': 'application/json' });
    return response.end(JSON.stringify(body));
  }
  const asked = join(dist, normalize(url.pathname));
  const file = extname(asked) && existsSync(asked) ? asked : join(dist, 'index.html');
  response.writeHead(200, {
    ...headers,
    'content-type': kTypes[extname(file)] ?? 'application/octet-stream',
  });
  response.end(readFileSync(file));
});
server.listen(Number(process.argv[2] ?? 4329), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
