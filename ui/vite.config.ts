import { defineConfig } from 'vitest/config';

// Where a running server answers; the fixture server (dev/server.mjs) by default.
const server = process.env.VEDETTE_URL ?? 'http://127.0.0.1:4329';
const proxied = ['/api', '/vedette', '/loki', '/-', '/metrics'];

export default defineConfig({
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    outDir: process.env.VEDETTE_UI_OUT ?? 'dist',
    emptyOutDir: true,
    // The content security policy allows no data: URLs, and every asset carries its hash.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    reportCompressedSize: false,
  },
  server: { proxy: Object.fromEntries(proxied.map((path) => [path, server])) },
  test: { include: ['src/**/*_test.ts'], environment: 'node' },
});
