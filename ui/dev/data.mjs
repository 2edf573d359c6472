// A made-up hour of the shop: traces and logs in the shape of docs/api.md, the same for the same seed.

export function random(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const hex = (rnd, digits) =>
  Array.from({ length: digits }, () => Math.floor(rnd() * 16).toString(16)).join('');
const ns = (ms) => `${BigInt(Math.round(ms * 1000)) * 1000n}`;

const kScopes = [
  { name: 'vedette.fastapi', version: '0.1.0' },
  { name: 'vedette.httpx', version: '0.1.0' },
  { name: 'vedette.sqlalchemy', version: '0.1.0' },
  { name: 'order-service', version: '' },
];
const kResources = ['shop', 'payments'].map((service, i) => ({
  service,
  attributes: {
    'service.name': service,
    'service.version': '1.4.2',
    'telemetry.sdk.name': 'vedette',
    'telemetry.sdk.language': 'python',
    'process.pid': 4100 + i,
    'host.name': 'demo',
  },
}));

const kStack = `Traceback (most recent call last):
  File "demo/shop/orders.py", line 88, in charge_payment
    response = await payments.post("/charge", json=body)
  File "httpx/_client.py", line 1859, in post
    return await self.request("POST", url, **kwargs)
httpx.ReadTimeout: payments did not answer within 1.0 s`;

class Builder {
  constructor(rnd, start) {
    this.rnd = rnd;
    this.trace_id = hex(rnd, 32);
    this.start = start;
    this.spans = [];
    this.logs = [];
  }
  span(parent, name, kind, resource, scope, from, length, attributes, extra = {}) {
    const span = {
      span_id: hex(this.rnd, 16),
      parent_span_id: parent?.span_id ?? '',
      name,
      kind,
      status: 'unset',
      status_message: '',
      start_ns: ns(this.start + from),
      duration_ns: Math.round(length * 1e6),
      resource,
      scope,
      trace_state: '',
      attributes,
      events: [],
      links: [],
      ...extra,
    };
    this.spans.push(span);
    return span;
  }
  log(span, at, severity, body, attributes = {}) {
    const service = kResources[span.resource].service;
    const severity_number = { INFO: 9, WARN: 13, ERROR: 17, DEBUG: 5 }[severity];
    this.logs.push({
      time_ns: ns(this.start + at),
      severity,
      severity_number,
      service,
      body,
      event_name: '',
      trace_id: this.trace_id,
      span_id: span.span_id,
      attributes,
      resource: kResources[span.resource].attributes,
    });
  }
  done() {
    const ends = this.spans.map(
      (s) => Number(BigInt(s.start_ns) / 1000n) / 1000 + s.duration_ns / 1e6,
    );
    const root = this.spans[0];
    const counts = new Map();
    for (const s of this.spans) {
      const name = kResources[s.resource].service;
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return {
      trace_id: this.trace_id,
      start_ns: root.start_ns,
      duration_ns: Math.round((Math.max(...ends) - this.start) * 1e6),
      root_service: kResources[root.resource].service,
      root_name: root.name,
      has_root: true,
      errors: this.spans.filter((s) => s.status === 'error').length,
      logs: this.logs.length,
      services: [...counts].sort().map(([name, spans]) => ({ name, spans })),
      resources: kResources,
      scopes: kScopes,
      spans: this.spans,
      logRecords: this.logs,
    };
  }
}

const sql = (text) => ({
  'db.system.name': 'postgresql',
  'db.operation.name': text.split(' ')[0],
  'db.namespace': 'shop',
  'db.query.text': text,
});

function order(rnd, start, failing) {
  const t = new Builder(rnd, start);
  const slow = rnd() < 0.06 ? 4 : 1;
  const pay = failing ? 1000 : (18 + rnd() * 40) * slow;
  const total = pay + 22 + rnd() * 12;
  const id = Math.floor(rnd() * 1e6);
  const user = Math.floor(rnd() * 500);
  const http = (status) => ({
    'http.request.method': 'POST',
    'http.route': '/orders',
    'url.path': '/orders',
    'http.response.status_code': status,
    'user.id': `u-${user}`,
  });
  const failure = failing && { status: 'error', status_message: 'payment failed: timeout' };
  const root = t.span(
    null,
    'POST /orders',
    'server',
    0,
    0,
    0,
    total,
    http(failing ? 503 : 201),
    failure || {},
  );
  t.log(root, 1, 'INFO', 'order creation started', { user_id: user, quantity: 2 });
  const process = t.span(
    root,
    'process_order',
    'internal',
    0,
    3,
    1.2,
    total - 2,
    { 'order.items': 2 },
    failure || {},
  );
  const stock = t.span(process, 'validate_inventory', 'internal', 0, 3, 1.6, 5, { sku: 'lantern' });
  t.span(stock, 'GET', 'client', 0, 1, 2, 0.6, {
    'db.system.name': 'redis',
    'db.operation.name': 'GET',
    'db.query.text': 'GET product:lantern',
  });
  t.span(
    stock,
    'SELECT products',
    'client',
    0,
    2,
    3,
    2.4,
    sql('SELECT products.sku, products.stock FROM products WHERE products.sku = $1'),
  );
  const charge = t.span(
    process,
    'charge_payment',
    'internal',
    0,
    3,
    8,
    pay + 3,
    { 'payment.method': 'card', 'payment.amount_cents': 12900 },
    failure || {},
  );
  if (failing)
    charge.events.push({
      time_ns: ns(start + 8 + pay + 2),
      name: 'exception',
      attributes: {
        'exception.type': 'httpx.ReadTimeout',
        'exception.message': 'payments did not answer within 1.0 s',
        'exception.stacktrace': kStack,
      },
    });
  const call = t.span(
    charge,
    'POST',
    'client',
    0,
    1,
    9,
    pay,
    {
      'http.request.method': 'POST',
      'server.address': 'payments',
      'server.port': 8001,
      'url.full': 'http://payments:8001/charge',
      ...(failing ? { 'error.type': 'ReadTimeout' } : { 'http.response.status_code': 200 }),
    },
    failing ? { status: 'error', status_message: 'ReadTimeout' } : {},
  );
  const served = t.span(call, 'POST /charge', 'server', 1, 0, 10, failing ? 3000 : pay - 2, {
    'http.request.method': 'POST',
    'http.route': '/charge',
    'http.response.status_code': 200,
  });
  const bank = t.span(served, 'authorize', 'internal', 1, 3, 11, failing ? 2990 : pay - 5, {
    provider: 'bank',
  });
  bank.events.push({ time_ns: ns(start + 12), name: 'retry', attributes: { attempt: 1 } });
  if (failing) {
    t.log(charge, 8 + pay, 'ERROR', 'payment failed', {
      order_id: `o-${id}`,
      reason: 'timeout',
      user_id: user,
    });
    t.log(root, total, 'WARN', 'order refused', { user_id: user, reason: 'payment' });
  } else {
    t.log(served, pay, 'INFO', 'payment charged', { amount_cents: 12900, method: 'card' });
    t.span(
      process,
      'INSERT orders',
      'client',
      0,
      2,
      pay + 12,
      3.1,
      sql(
        'INSERT INTO orders (user_id, sku, quantity, total_cents) VALUES ($1, $2, $3, $4) RETURNING orders.id',
      ),
    );
    t.span(process, 'COMMIT', 'client', 0, 2, pay + 15.5, 1.4, sql('COMMIT'));
    const mail = t.span(process, 'send_confirmation', 'internal', 0, 3, pay + 17, 2, {});
    t.log(mail, pay + 18, 'INFO', 'confirmation sent', { order_id: `o-${id}` });
    t.log(root, total, 'INFO', 'order created', {
      order_id: `o-${id}`,
      user_id: user,
      total_cents: 12900,
    });
  }
  return t.done();
}

function read(rnd, start, route, table, missing) {
  const t = new Builder(rnd, start);
  const length = 2 + rnd() * 9 * (rnd() < 0.05 ? 12 : 1);
  const root = t.span(null, `GET ${route}`, 'server', 0, 0, 0, length, {
    'http.request.method': 'GET',
    'http.route': route,
    'http.response.status_code': missing ? 404 : 200,
  });
  t.span(
    root,
    `SELECT ${table}`,
    'client',
    0,
    2,
    0.8,
    length - 1.2,
    sql(`SELECT * FROM ${table} WHERE id = $1`),
  );
  if (missing) t.log(root, length, 'WARN', 'no such order', { order_id: Math.floor(rnd() * 1e8) });
  return t.done();
}

/** A trace as long as they come, for the virtual list. */
export function longTrace(spans, start) {
  const rnd = random(7);
  const t = new Builder(rnd, start);
  t.trace_id = 'f'.repeat(32);
  const root = t.span(null, 'nightly_report', 'internal', 0, 3, 0, spans, {});
  const open = [root];
  for (let i = 1; i < spans; i++) {
    if (rnd() < 0.3 && open.length < 30) open.push(t.spans.at(-1));
    else if (open.length > 1 && rnd() < 0.3) open.pop();
    t.span(
      open.at(-1),
      rnd() < 0.5 ? 'SELECT orders' : `step ${i}`,
      'client',
      i % 7 ? 0 : 1,
      2,
      i,
      0.9,
      { i },
    );
  }
  return t.done();
}

export function makeHour(now) {
  const rnd = random(42);
  const traces = [];
  for (let at = now - 3600_000; at < now; at += 1200 + rnd() * 3200) {
    const age = now - at;
    const trouble = age < 420_000 && age > 30_000;
    const kind = rnd();
    if (kind < 0.4) traces.push(order(rnd, at, rnd() < (trouble ? 0.35 : 0.004)));
    else if (kind < 0.65) traces.push(read(rnd, at, '/products/{sku}', 'products', false));
    else traces.push(read(rnd, at, '/orders/{order_id}', 'orders', rnd() < 0.1));
  }
  traces.reverse();
  const logs = traces.flatMap((t) => t.logRecords);
  logs.sort((a, b) => (BigInt(a.time_ns) < BigInt(b.time_ns) ? 1 : -1));
  return { traces, logs };
}
