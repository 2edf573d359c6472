// What every page asks about first: which services there are, which of them have which metrics.
import { computed, effect, signal } from '@preact/signals';
import { params, setParams } from '../base/router';
import { range, tick } from '../base/time_range';
import { findSources, sourceFor, type Source, type Sources } from './red';
import { services as loadServices, type ServiceInfo } from './vedette';

export interface Context {
  sources: Sources;
  services: ServiceInfo[];
}

export const context = signal<Context | null>(null);
export const contextError = signal<Error | null>(null);

export const service = computed(() => params.value.get('service') ?? '');
export const chooseService = (name: string) => setParams({ service: name });

/** The metrics that speak for the chosen service, or for all. */
export const source = computed<Source>(() =>
  context.value ? sourceFor(context.value.sources, service.value) : 'app',
);

/** Names of all services that are known, by metrics or by spans and logs. */
export const serviceNames = computed(() => {
  const known = context.value;
  if (!known) return [];
  const names = new Set(known.services.map((one) => one.name));
  known.sources.app.forEach((name) => names.add(name));
  known.sources.spans.forEach((name) => names.add(name));
  names.delete('');
  return [...names].sort();
});

/** Nothing was ever heard in this time range. */
export const silent = computed(() => context.value != null && serviceNames.value.length === 0);

const kEveryMs = 20_000;

export function startContext(): void {
  let abort = new AbortController();
  let loadedAt = 0;
  let loadedSpan = 0;
  effect(() => {
    void tick.value;
    const { from, to } = range.value;
    const fresh = Date.now() - loadedAt < kEveryMs && loadedSpan === to - from;
    // Until a service is heard of, every refresh asks: the first request of an app should show at once.
    if (fresh && context.peek()?.services.length) return;
    loadedAt = Date.now();
    loadedSpan = to - from;
    abort.abort();
    abort = new AbortController();
    const { signal: wanted } = abort;
    Promise.all([
      findSources(to, `${Math.round(to - from)}s`, wanted),
      loadServices(from, to, wanted),
    ]).then(
      ([sources, services]) => {
        context.value = { sources, services };
        contextError.value = null;
      },
      (error: Error) => {
        if (!wanted.aborted) contextError.value = error;
        loadedAt = 0;
      },
    );
  });
}
