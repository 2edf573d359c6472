// A list that is fetched page by page: the first page follows the clock until a second one was asked for.
import { useEffect, useRef, useState } from 'preact/hooks';
import { useQuery, type Loaded } from './query';

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Pages<T> {
  first: Loaded<Page<T>>;
  items: T[];
  /** There are more: loadMore() fetches them. */
  more: boolean;
  loadMore: () => Promise<void>;
  error: Error | undefined;
}

/** `asked`: the conditions, which begin the list anew; `moment`: the time range, which only refreshes it. */
export function usePages<T>(
  asked: string,
  moment: string,
  tick: number,
  load: (cursor: string | undefined, abort?: AbortSignal) => Promise<Page<T>>,
): Pages<T> {
  const [rest, setRest] = useState<Page<T> | null>(null);
  const [error, setError] = useState<Error | undefined>();
  const fetching = useRef(false);
  // Further pages go on from the first one as it was: it stands still once there are any.
  const asking = { asked, key: `${asked} ${moment}`, tick };
  const still = useRef(asking);
  const held = still.current.asked === asked && (rest != null || fetching.current);
  if (!held) still.current = asking;
  const first = useQuery(still.current.key, still.current.tick, (abort) => load(undefined, abort));
  const current = useRef(asked);
  current.current = asked;
  useEffect(() => {
    setRest(null);
    setError(undefined);
  }, [asked]);

  const next = rest ? rest.next : (first.data?.next ?? null);
  const loadMore = async () => {
    if (!next || fetching.current) return;
    fetching.current = true;
    try {
      const page = await load(next);
      if (current.current !== asked) return;
      setRest({ items: [...(rest?.items ?? []), ...page.items], next: page.next });
    } catch (failure) {
      setError(failure as Error);
    } finally {
      fetching.current = false;
    }
  };
  const items = [...(first.data?.items ?? []), ...(rest?.items ?? [])];
  return { first, items, more: next != null, loadMore, error };
}
