// The frame around every page: navigation, time range, service, keys; and which page an address means.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { contextError } from './api/context';
import { useKeys, helpOpen } from './base/keys';
import { href, navigate, path } from './base/router';
import { theme, toggleTheme } from './base/theme';
import { live, refresh } from './base/time_range';
import { Icon, Mark, type IconName } from './widgets/icon';
import { KeyHelp } from './widgets/key_help';
import { ErrorNote } from './widgets/states';
import { TopBar } from './widgets/top_bar';
import { Overview } from './pages/overview/overview';

interface Page {
  path: string;
  title: string;
  icon: IconName;
  key: string;
  /** Pages other than the first are fetched when they are wanted. */
  load: () => Promise<ComponentType>;
}

const kPages: Page[] = [
  {
    path: '/',
    title: 'Overview',
    icon: 'overview',
    key: 'o',
    load: () => Promise.resolve(Overview),
  },
  {
    path: '/endpoints',
    title: 'Endpoints',
    icon: 'endpoints',
    key: 'e',
    load: () => import('./pages/endpoints/endpoints').then((m) => m.Endpoints),
  },
  {
    path: '/dependencies',
    title: 'Dependencies',
    icon: 'dependencies',
    key: 'd',
    load: () => import('./pages/dependencies/dependencies').then((m) => m.Dependencies),
  },
  {
    path: '/business',
    title: 'Business',
    icon: 'business',
    key: 'b',
    load: () => import('./pages/business/business').then((m) => m.Business),
  },
  {
    path: '/traces',
    title: 'Traces',
    icon: 'traces',
    key: 't',
    load: () => import('./pages/traces/search').then((m) => m.TraceSearch),
  },
  {
    path: '/logs',
    title: 'Logs',
    icon: 'logs',
    key: 'l',
    load: () => import('./pages/logs/logs').then((m) => m.Logs),
  },
];

const kTrace = { load: () => import('./pages/traces/trace').then((m) => m.TracePage) };

function pageOf(address: string): Page | undefined {
  if (address === '/') return kPages[0];
  return kPages
    .slice(1)
    .find((page) => address === page.path || address.startsWith(`${page.path}/`));
}

export function App() {
  const page = pageOf(path.value);
  useEffect(() => {
    document.title = page ? `${page.title} · Vedette` : 'Vedette';
  }, [page]);
  useKeys('Everywhere', [
    { keys: '?', help: 'This list', run: () => (helpOpen.value = !helpOpen.value) },
    {
      keys: '/',
      help: 'Search',
      run: () => document.querySelector<HTMLInputElement>('[data-search]')?.focus(),
    },
    { keys: 'r', help: 'Refresh now', run: refresh },
    { keys: 'p', help: 'Live refresh on or off', run: () => (live.value = !live.value) },
    { keys: 'T', help: 'Dark or light', run: toggleTheme },
  ]);
  useKeys(
    'Go to',
    kPages.map(({ key, title, path: target }) => ({
      keys: `g ${key}`,
      help: title,
      run: () => navigate(href(target)),
    })),
  );
  return (
    <>
      <a class="skip" href="#content">
        Skip to content
      </a>
      <Navigation current={page} />
      <main id="content" tabIndex={-1}>
        <TopBar title={page?.title ?? 'Not found'} />
        <div class="page">
          {contextError.value && <ErrorNote error={contextError.value} />}
          <Content page={page} />
        </div>
      </main>
      <KeyHelp />
    </>
  );
}

function Navigation({ current }: { current: Page | undefined }) {
  const dark = theme.value === 'dark';
  return (
    <nav class="nav" aria-label="Pages">
      <a class="brand" href={href('/')}>
        <Mark />
        <span>Vedette</span>
      </a>
      {kPages.map((page) => (
        <a
          key={page.path}
          class="nav-link"
          href={href(page.path)}
          title={`${page.title} (g ${page.key})`}
          aria-current={page === current ? 'page' : undefined}
        >
          <Icon name={page.icon} />
          <span>{page.title}</span>
        </a>
      ))}
      <div class="nav-foot">
        <button class="nav-link" onClick={toggleTheme}>
          <Icon name={dark ? 'sun' : 'moon'} />
          <span>{dark ? 'Light' : 'Dark'}</span>
        </button>
        <button class="nav-link" onClick={() => (helpOpen.value = true)}>
          <Icon name="keyboard" />
          <span>
            Keys <kbd>?</kbd>
          </span>
        </button>
      </div>
    </nav>
  );
}

function Content({ page }: { page: Page | undefined }) {
  const isTrace = path.value.startsWith('/traces/');
  const wanted = isTrace ? kTrace : page;
  const [shown, setShown] = useState<{ of: object; Body: ComponentType } | null>(
    page?.path === '/' ? { of: page, Body: Overview } : null,
  );
  const [failed, setFailed] = useState<Error | null>(null);
  useEffect(() => {
    let current = true;
    setFailed(null);
    wanted?.load().then(
      (Body) => current && setShown({ of: wanted, Body }),
      () => current && setFailed(new Error('This page could not be fetched. Reload to try again.')),
    );
    return () => {
      current = false;
    };
  }, [wanted]);
  if (failed) return <ErrorNote error={failed} />;
  if (!wanted) {
    return (
      <div class="empty">
        <strong>There is no such page.</strong>
        <a href={href('/')}>To the overview</a>
      </div>
    );
  }
  if (shown?.of !== wanted) return null;
  const { Body } = shown;
  return <Body />;
}
