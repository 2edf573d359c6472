// The address bar as signals. Paths choose the page; the query string holds everything a page shows, so
// that a copied link shows the same.
import { batch, computed, signal } from '@preact/signals';

const read = () => ({ path: location.pathname, query: location.search });
const here = signal(typeof location === 'undefined' ? { path: '/', query: '' } : read());

export const path = computed(() => here.value.path);
export const params = computed(() => new URLSearchParams(here.value.query));

/** Parameters that stay when one goes from page to page. */
const kSticky = ['range', 'from', 'to', 'service'];

export type Changes = Record<string, string | number | readonly string[] | null | undefined>;

/** A query string with `changes` applied: null, undefined and '' remove a parameter. */
export function withParams(base: URLSearchParams, changes: Changes): string {
  const next = new URLSearchParams(base);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    if (value == null || value === '') continue;
    for (const one of Array.isArray(value) ? value : [value]) next.append(name, String(one));
  }
  const text = next.toString();
  return text ? `?${text}` : '';
}

/** The address of a page, with the time range and the service of this one unless `changes` says otherwise. */
export function href(target: string, changes: Changes = {}): string {
  const kept = new URLSearchParams();
  for (const name of kSticky) {
    const value = params.value.get(name);
    if (value) kept.set(name, value);
  }
  return target + withParams(kept, changes);
}

function show(url: string, replace: boolean): void {
  if (replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  batch(() => (here.value = read()));
}

export function navigate(url: string): void {
  const samePage = new URL(url, location.href).pathname === location.pathname;
  show(url, false);
  if (!samePage) document.querySelector('main')?.scrollTo(0, 0);
}

/** Changes parameters of the page one is on. `replace` for typing and zooming back and forth. */
export function setParams(changes: Changes, replace = false): void {
  show(here.value.path + withParams(params.value, changes), replace);
}

export function startRouter(): void {
  addEventListener('popstate', () => (here.value = read()));
  // Plain clicks on links of ours stay in the page; modified clicks and downloads are the browser's.
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a');
    if (!link || link.target || link.origin !== location.origin || link.hasAttribute('download'))
      return;
    event.preventDefault();
    navigate(link.pathname + link.search + link.hash);
  });
}
