// A headless Chromium on a server: the one VEDETTE_URL names, else the fixture server of ui/dev.
// Anything the console calls an error, and any answer of 400 or more that was not announced, is a failure.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = new URL('../../', import.meta.url);
const require = createRequire(new URL('ui/package.json', root));
const { chromium } = require('playwright-core');

export const screenshots = fileURLToPath(new URL('build/screenshots/', root));

const kFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

async function startFixtures(args = []) {
  const script = fileURLToPath(new URL('ui/dev/server.mjs', root));
  const child = spawn(process.execPath, [script, '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const url = await new Promise((resolve, reject) => {
    child.stdout.once('data', (data) => resolve(String(data).trim()));
    child.once('exit', (code) => reject(new Error(`The fixture server ended with ${code}.`)));
  });
  return { url, stop: () => child.kill() };
}

/** True when the server is a real one, whose data nobody here knows. */
export const real = Boolean(process.env.VEDETTE_URL);

export async function startServer(args) {
  if (real)
    return {
      url: process.env.VEDETTE_URL.replace(/\/$/, ''),
      stop: () => undefined,
    };
  return startFixtures(args);
}

export async function startBrowser() {
  const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find(existsSync);
  if (!executablePath) throw new Error('Chromium is not installed: apt-get install chromium');
  mkdirSync(screenshots, { recursive: true });
  return chromium.launch({ executablePath, args: kFlags });
}

/** A page whose complaints are collected in `page.complaints`. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1440, height: 900 },
    colorScheme: 'light',
    reducedMotion: 'reduce',
    ...options,
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  page.complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') page.complaints.push(message.text());
  });
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('response', (response) => {
    if (response.status() >= 400) page.complaints.push(`${response.status()} ${response.url()}`);
  });
  return page;
}
