// Asynchronous data for a component: kept on the screen while it is refreshed, aborted when it is not wanted.
import { useEffect, useRef, useState } from 'preact/hooks';

export interface Loaded<T> {
  data: T | undefined;
  error: Error | undefined;
  loading: boolean;
}

/**
 * Loads when `key` (what is asked) or `tick` (that it is asked again) changes. A refresh keeps the old data
 * until the new is there; another key keeps it too, unless `keep` is false.
 */
export function useQuery<T>(
  key: string,
  tick: number,
  load: (signal: AbortSignal) => Promise<T>,
  keep = true,
): Loaded<T> {
  const [state, setState] = useState<Loaded<T>>({
    data: undefined,
    error: undefined,
    loading: true,
  });
  const lastKey = useRef(key);
  useEffect(() => {
    const abort = new AbortController();
    const drop = !keep && lastKey.current !== key;
    lastKey.current = key;
    setState((old) => ({ data: drop ? undefined : old.data, error: old.error, loading: true }));
    load(abort.signal).then(
      (data) => {
        if (!abort.signal.aborted) setState({ data, error: undefined, loading: false });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        const wrapped = error instanceof Error ? error : new Error(String(error));
        setState((old) => ({ data: old.data, error: wrapped, loading: false }));
      },
    );
    return () => abort.abort();
  }, [key, tick]);
  return state;
}
