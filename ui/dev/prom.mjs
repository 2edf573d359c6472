// Plausible answers to the questions the pages ask in PromQL. It evaluates nothing: it knows the metrics by
// name and the shape asked for by its `by (…)`.
const wave = (t, period, phase = 0) => 1 + 0.35 * Math.sin((t / period) * 2 * Math.PI + phase);
const noise = (t, n) => 1 + 0.12 * Math.sin(t * 12.9898 + n * 78.233) * Math.sin(t * 0.37 + n);

const kEndpoints = [
  { job: 'shop', method: 'POST', path: '/orders', rate: 2.4, p50: 0.062, bad: 0.004 },
  { job: 'shop', method: 'GET', path: '/products/{sku}', rate: 2.1, p50: 0.006, bad: 0 },
  { job: 'shop', method: 'GET', path: '/orders/{order_id}', rate: 1.6, p50: 0.005, bad: 0 },
  { job: 'shop', method: 'POST', path: '/users', rate: 0.5, p50: 0.009, bad: 0 },
  { job: 'shop', method: 'GET', path: '/reports/revenue', rate: 0.3, p50: 0.38, bad: 0 },
  {
    job: 'shop',
    method: 'GET',
    path: '/recommendations/{user_id}',
    rate: 0.4,
    p50: 0.008,
    bad: 0.05,
  },
  { job: 'payments', method: 'POST', path: '/charge', rate: 2.4, p50: 0.041, bad: 0.001 },
];

const trouble = (t, now) => t > now - 420 && t < now - 20;

function groupsOf(query) {
  const by = /by \(([^)]*)\)/.exec(query)?.[1] ?? '';
  return by
    .split(',')
    .map((s) => s.trim())
    .filter((s) => s && s !== 'le');
}

/** [{labels, at: t => value}] for a query. */
export function series(query, now) {
  const labels = groupsOf(query);
  const has = (text) => query.includes(text);
  const eq = (name) => new RegExp(`[{,]${name}="([^"]*)"`).exec(query)?.[1];
  const list = (name, values, f) =>
    values.map((value, n) => ({ labels: { [name]: value }, at: (t) => f(t, n) }));

  if (/^group by/.test(query)) {
    if (has('http_requests_total')) return list('job', ['shop', 'payments'], () => 1);
    return list('service_name', ['shop', 'payments'], () => 1);
  }
  if (has('db_system_name!=')) return dependency(query, labels, now);
  if (has('server_address')) return external(query, labels, now);
  if (has('cache_requests_total')) return [{ labels: {}, at: (t) => 0.91 * noise(t, 3) ** 0.2 }];
  if (has('process_cpu'))
    return list(
      'job',
      ['shop', 'payments'],
      (t, n) => (n ? 0.06 : 0.19) * wave(t, 900) * noise(t, n),
    );
  if (has('process_resident')) return [{ labels: {}, at: () => 151e6 }];
  if (has('in_progress')) return [{ labels: {}, at: (t) => (trouble(t, now) ? 4 : 1) }];
  if (/http_request|traces_span/.test(query)) return http(query, labels, eq, now);
  const scale = query.endsWith('* 3600') ? 3600 : 1;
  return business(query, labels).map((one) => ({ ...one, at: (t) => one.at(t) * scale }));
}

function http(query, labels, eq, now) {
  const job = eq('job') ?? eq('service_name');
  const chosen = kEndpoints.filter(
    (e) =>
      (!job || e.job === job) &&
      (!eq('path') || e.path === eq('path')) &&
      (!eq('method') || e.method === eq('method')),
  );
  const groups = new Map();
  for (const e of chosen) {
    const key = {};
    for (const label of labels) {
      if (label === 'service') key.service = e.job;
      else if (label === 'service_name') key.service_name = e.job;
      else if (label === 'status') key.status = e.bad ? '503' : '200';
      else if (label === 'error_type')
        key.error_type = e.path === '/orders' ? 'ReadTimeout' : 'ZeroDivisionError';
      else if (label === 'span_name') key.span_name = `${e.method} ${e.path}`;
      else if (label in e) key[label] = e[label];
    }
    if (labels.includes('error_type') && !e.bad) continue;
    const name = JSON.stringify(key);
    if (!groups.has(name)) groups.set(name, { labels: key, endpoints: [] });
    groups.get(name).endpoints.push(e);
  }
  const q = Number(/histogram_quantile\(([\d.]+)/.exec(query)?.[1]);
  const failures = /status=~|STATUS_CODE_ERROR/.test(query);
  const ratio = failures && query.includes(' / (');
  return [...groups.values()].map(({ labels: key, endpoints }, n) => ({
    labels: key,
    at: (t) => {
      const sick = trouble(t, now);
      const rate = endpoints.reduce((sum, e) => sum + e.rate * wave(t, 1200) * noise(t, n), 0);
      const bad = endpoints.reduce(
        (sum, e) => sum + e.rate * (sick && e.path === '/orders' ? 0.34 : e.bad) * wave(t, 1200),
        0,
      );
      if (q) {
        const e = endpoints.reduce((a, b) =>
          a.p50 * (q > 0.5 ? 1 : a.rate) > b.p50 * (q > 0.5 ? 1 : b.rate) ? a : b,
        );
        const factor = { 0.5: 1, 0.95: 2.2, 0.99: 3.4 }[q];
        return Math.min(
          sick && e.path === '/orders' ? 1.02 : 5,
          e.p50 * factor * noise(t, q) * (sick && q > 0.9 ? 4 : 1),
        );
      }
      if (ratio) return bad / rate;
      return failures ? bad : rate;
    },
  }));
}

function dependency(query, labels, now) {
  const rows = [
    ['postgresql', 'SELECT', 0.0021, 5.2],
    ['postgresql', 'INSERT', 0.0034, 2.6],
    ['postgresql', 'COMMIT', 0.0015, 2.6],
    ['redis', 'GET', 0.0006, 4.5],
    ['redis', 'SET', 0.0007, 0.5],
  ];
  const q = Number(/histogram_quantile\(([\d.]+)/.exec(query)?.[1]);
  const byOperation = labels.includes('span_name');
  const wanted = byOperation ? rows : [rows[0], rows[3]];
  return wanted.map(([system, operation, p50, rate], n) => ({
    labels: byOperation
      ? { db_system_name: system, span_name: `${operation} orders` }
      : { db_system_name: system },
    at: (t) => {
      if (q) return p50 * (q > 0.5 ? 2.6 : 1) * noise(t, n) * (trouble(t, now) ? 1.2 : 1);
      return /STATUS_CODE_ERROR/.test(query) ? 0 : rate * wave(t, 1200);
    },
  }));
}

function external(query, _labels, now) {
  const q = Number(/histogram_quantile\(([\d.]+)/.exec(query)?.[1]);
  return [
    {
      labels: { server_address: 'payments' },
      at: (t) => {
        const sick = trouble(t, now);
        if (q)
          return Math.min(
            1.01,
            0.043 * (q > 0.5 ? 2.3 : 1) * noise(t, q) * (sick && q > 0.5 ? 12 : 1),
          );
        if (/STATUS_CODE_ERROR/.test(query))
          return (sick ? 0.34 : 0.003) * (query.includes(' / (') ? 1 : 2.4);
        return 2.4 * wave(t, 1200);
      },
    },
  ];
}

function business(query, labels) {
  if (query.includes('payment_method'))
    return [
      ['card', 0.9],
      ['paypal', 0.31],
      ['invoice', 0.28],
    ].map(([m, rate], n) => ({
      labels: { payment_method: m },
      at: (t) => (rate / 1.49) * noise(t, n) ** 0.2,
    }));
  if (labels.includes('reason'))
    return [
      ['declined', 0.05],
      ['timeout', 0.02],
    ].map(([m, rate], n) => ({
      labels: { reason: m },
      at: (t) => rate * wave(t, 800) * noise(t, n),
    }));
  if (query.includes('order_value_cents_sum'))
    return [{ labels: {}, at: (t) => 1.5 * 6400 * wave(t, 1200) }];
  if (query.includes(' / ')) return [{ labels: {}, at: (t) => 0.97 * noise(t, 9) ** 0.05 }];
  if (query.includes('active_users'))
    return [{ labels: {}, at: (t) => Math.round(38 * wave(t, 1800)) }];
  if (query.includes('orders_created'))
    return [{ labels: {}, at: (t) => 1.49 * wave(t, 1200) * noise(t, 5) }];
  if (query.includes('signups'))
    return [{ labels: {}, at: (t) => 0.48 * wave(t, 1500) * noise(t, 6) }];
  return [{ labels: {}, at: (t) => 0.7 * wave(t, 1000) * noise(t, 4) }];
}

export const metadata = Object.fromEntries(
  [
    ['http_requests_total', 'counter', 'Requests served'],
    ['http_request_duration_seconds', 'histogram', 'How long requests took'],
    ['http_requests_in_progress', 'gauge', 'Requests being served'],
    ['process_cpu_seconds_total', 'counter', 'CPU time'],
    ['orders_created_total', 'counter', 'Orders created'],
    ['order_value_cents', 'histogram', 'Value of orders'],
    ['payment_failures_total', 'counter', 'Failed payments'],
    ['user_signups_total', 'counter', 'Users signed up'],
    ['active_users_current', 'gauge', 'Currently active users'],
    ['charges_total', 'counter', 'Charges by outcome'],
    ['cache_requests_total', 'counter', 'Cache look-ups'],
    ['traces_span_metrics_calls_total', 'counter', 'Spans'],
  ].map(([name, type, help]) => [name, [{ type, help, unit: '' }]]),
);
