// Keyboard: single keys and two-key sequences, listed by '?'. Typing in a field is never a command.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

export interface Binding {
  /** As shown and as matched: 'j', 'g o', 'Escape'. */
  keys: string;
  help: string;
  run: (event: KeyboardEvent) => void;
}

const groups = new Map<string, Map<symbol, Binding[]>>();
/** Raised whenever bindings change, for the help dialog. */
export const bindingsVersion = signal(0);
export const helpOpen = signal(false);

export function bind(group: string, bindings: Binding[]): () => void {
  const id = Symbol();
  const members = groups.get(group) ?? new Map<symbol, Binding[]>();
  groups.set(group, members);
  members.set(id, bindings);
  bindingsVersion.value++;
  return () => {
    members.delete(id);
    bindingsVersion.value++;
  };
}

/** Bindings for as long as the component is there; they see its latest state. */
export function useKeys(group: string, bindings: Binding[]): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  useEffect(
    () =>
      bind(
        group,
        bindings.map((binding, i) => ({
          ...binding,
          run: (event: KeyboardEvent) => latest.current[i]?.run(event),
        })),
      ),
    [],
  );
}

export function listBindings(): { group: string; bindings: Binding[] }[] {
  return [...groups]
    .map(([group, members]) => ({ group, bindings: [...members.values()].flat() }))
    .filter(({ bindings }) => bindings.length > 0);
}

/** What one key press means after `prefix`: a binding, the start of a sequence, or nothing. */
export function match(prefix: string, key: string, all: Binding[]): Binding | 'prefix' | null {
  const typed = prefix ? `${prefix} ${key}` : key;
  // The newest binding wins: a page's own key goes before the shell's.
  const exact = all.filter((binding) => binding.keys === typed).at(-1);
  if (exact) return exact;
  return all.some((binding) => binding.keys.startsWith(`${typed} `)) ? 'prefix' : null;
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as HTMLElement | null;
  return !!element?.closest?.('input, textarea, select, [contenteditable]');
}

export function startKeys(): void {
  let prefix = '';
  let timer = 0;
  addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) {
      if (event.key === 'Escape') (event.target as HTMLElement).blur();
      return;
    }
    // Enter and space on a button or link are the browser's.
    const element = event.target as HTMLElement | null;
    if ((event.key === 'Enter' || event.key === ' ') && element?.closest?.('button, a, summary'))
      return;
    const found = match(
      prefix,
      event.key,
      listBindings().flatMap((group) => group.bindings),
    );
    clearTimeout(timer);
    prefix = '';
    if (found === 'prefix') {
      prefix = event.key;
      timer = window.setTimeout(() => (prefix = ''), 1200);
    } else if (found) {
      event.preventDefault();
      found.run(event);
    }
  });
}
