// The six pages in a real browser: they show what is stored, one click leads from each thing to its evidence,
// the keyboard suffices, nothing complains. Run by `npm --prefix ui run test:browser`.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openPage, real, screenshots, startBrowser, startServer } from './browser.mjs';

let server;
let browser;
let page;

before(async () => {
  server = await startServer();
  browser = await startBrowser();
  page = await openPage(browser);
});
after(async () => {
  await browser?.close();
  server?.stop();
});

async function open(path) {
  page.complaints.length = 0;
  await page.goto(server.url + path);
  await page.waitForSelector('main');
}

async function settle() {
  await page.waitForLoadState('networkidle');
  await page.waitForFunction(() => !document.querySelector('.skeleton'));
}

async function shoot(name) {
  await page.screenshot({ path: `${screenshots}${name}.png`, fullPage: false });
}

const quiet = () => assert.deepEqual(page.complaints, []);

const kPages = [
  {
    path: '/',
    name: 'overview',
    sees: ['.verdict-sentence', '.chart canvas', 'table'],
  },
  {
    path: '/endpoints',
    name: 'endpoints',
    sees: ['.verdict-sentence', 'table tbody tr'],
  },
  {
    path: '/dependencies',
    name: 'dependencies',
    sees: ['.verdict-sentence', '.chart canvas'],
  },
  {
    path: '/business',
    name: 'business',
    sees: ['.verdict-sentence', '.chart canvas'],
  },
  { path: '/traces', name: 'traces', sees: ['.scatter canvas', '.trace-row'] },
  { path: '/logs', name: 'logs', sees: ['.histogram rect', '.log-row'] },
];

for (const { path, name, sees } of kPages) {
  test(`${name}: shows its figures, in light and dark, without complaint`, async () => {
    for (const scheme of ['light', 'dark']) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
      await open(path);
      await settle();
      for (const selector of sees) await page.waitForSelector(selector);
      await shoot(`${name}-${scheme}`);
      quiet();
    }
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  });
}

test('a log line leads to its trace with its span chosen, and the span to its logs', async () => {
  await open('/logs');
  await page.locator('.log-trace').first().click();
  await page.waitForURL(/\/traces\/[0-9a-f]{32}\?.*span=[0-9a-f]{16}/);
  const span = new URL(page.url()).searchParams.get('span');
  await page.waitForSelector('.span-row.selected');
  assert.match(await page.locator('.panel-foot').last().innerText(), new RegExp(span));
  await page.getByRole('tab', { name: /Logs/ }).click();
  await page.waitForSelector('.panel-logs li');
  await settle();
  await shoot('trace-logs-light');
  await page.getByRole('link', { name: /of this trace on the logs page/ }).click();
  await page.waitForURL(/\/logs\?.*trace_id=/);
  await page.waitForSelector('.log-row');
  quiet();
});

test('a trace is found by its errors, and its waterfall walked with the keyboard', async () => {
  await open('/traces?operation=POST%20/orders');
  await page.getByRole('button', { name: 'Errors', exact: true }).click();
  await page.waitForURL(/status=error/);
  await page.waitForSelector('.trace-row');
  await settle();
  await page.keyboard.press('j');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[role=treeitem]');
  await settle();
  assert.equal((await page.locator('.note-bad').count()) > 0, true, 'the error is shown first');
  await shoot('trace-light');
  const rows = await page.locator('[role=treeitem]').count();
  const rowsAre = (wanted) =>
    page.waitForFunction(
      ([n, fewer]) => {
        const now = document.querySelectorAll('[role=treeitem]').length;
        return fewer ? now < n : now === n;
      },
      [rows, wanted === 'fewer'],
    );
  await page.keyboard.press('z');
  await rowsAre('fewer');
  await page.keyboard.press('z');
  await rowsAre('all');
  const first = await page.locator('.span-row.selected').getAttribute('id');
  await page.keyboard.press('k');
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  assert.notEqual(await page.locator('.span-row.selected').getAttribute('id'), first);
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' });
  await shoot('trace-dark');
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  quiet();
});

test('an endpoint shows itself over time, and its traces', async () => {
  await open('/endpoints');
  await settle();
  await page.locator('table tbody tr').first().click();
  await page.waitForURL(/endpoint=/);
  await page.waitForSelector('.detail .chart canvas');
  await settle();
  await shoot('endpoint-light');
  await page.getByRole('link', { name: 'Its traces' }).click();
  await page.waitForURL(/\/traces\?.*operation=/);
  quiet();
});

test('? lists the keys, g t goes to the traces, / to the search', async () => {
  await open('/');
  await settle();
  await page.keyboard.press('?');
  await page.waitForSelector('dialog[open]');
  await shoot('keys-light');
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('t');
  await page.waitForURL(/\/traces/);
  await page.waitForSelector('[data-search]');
  await page.keyboard.press('/');
  assert.ok(await page.evaluate(() => document.activeElement?.hasAttribute('data-search')));
  quiet();
});

test('every chart is a table too', async () => {
  await open('/');
  await settle();
  await page.getByRole('button', { name: 'Traffic: show as table' }).click();
  await page.waitForSelector('.chart-table tbody tr');
  await page.getByRole('button', { name: 'Traffic: show as chart' }).click();
  quiet();
});

test('dragging over the histogram of logs chooses that time', async () => {
  await open('/logs?range=1h');
  await settle();
  const box = await page.locator('.histogram svg').boundingBox();
  await page.mouse.move(box.x + box.width * 0.7, box.y + 30);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.95, box.y + 30, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d+.*to=\d+/);
  await settle();
  quiet();
});

test('older records come by scrolling', { skip: real }, async () => {
  await open('/logs?range=1h');
  await page.waitForSelector('.log-row');
  const rowsBeyond = (count) =>
    page.waitForFunction((n) => document.querySelectorAll('.log-row').length > n, count);
  for (const count of [200, 400]) {
    await page.locator('main').evaluate((main) => main.scrollTo(0, main.scrollHeight));
    await rowsBeyond(count);
  }
  quiet();
});

test('the policy allows no inline script, and no data becomes markup', async () => {
  const response = await page.request.get(`${server.url}/`);
  const policy = response.headers()['content-security-policy'] ?? '';
  for (const part of ["default-src 'self'", "object-src 'none'", "frame-ancestors 'none'"])
    assert.ok(policy.includes(part), `${part} is missing from: ${policy}`);
  assert.ok(!policy.includes('unsafe'), policy);
  assert.equal(response.headers()['x-content-type-options'], 'nosniff');
});

test('a trace of 10,000 spans scrolls with few rows in the document', { skip: real }, async () => {
  await open(`/traces/${'f'.repeat(32)}`);
  await page.waitForSelector('[role=treeitem]');
  for (let i = 0; i < 60; i++) await page.keyboard.press('j');
  const rows = await page.locator('[role=treeitem]').count();
  assert.ok(rows > 10 && rows < 200, `${rows} rows`);
  await page.locator('.virtual').evaluate((list) => (list.scrollTop = list.scrollHeight));
  await page.waitForFunction(() => document.getElementById('span-9999') != null);
  await shoot('trace-10000-light');
  quiet();
});

test('a server that has heard nothing says how to begin', { skip: real }, async () => {
  const silent = await startServer(['--empty']);
  try {
    page.complaints.length = 0;
    await page.goto(silent.url);
    await page.getByText('vedette.instrument(app)').waitFor();
    await shoot('empty-light');
    quiet();
  } finally {
    silent.stop();
  }
});
