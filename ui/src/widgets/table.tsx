// A table one can sort by its heads and walk with the keyboard.
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useKeys } from '../base/keys';

export interface Column<Row> {
  id: string;
  head: string;
  /** What to sort by; missing values go last. */
  sort?: (row: Row) => number | string | null;
  cell: (row: Row) => ComponentChildren;
  numeric?: boolean;
  /** Takes the room that is left. */
  wide?: boolean;
}

interface Props<Row> {
  label: string;
  columns: Column<Row>[];
  rows: Row[];
  rowKey: (row: Row) => string;
  onOpen?: (row: Row) => void;
  selected?: string | null;
  sortBy?: string;
  /** Gives j, k and Enter to this table: one per page. */
  keys?: boolean;
}

type Sortable = number | string | null;

export function compare(a: Sortable, b: Sortable, descending: boolean): number {
  if (a == null || b == null) return a == null ? (b == null ? 0 : 1) : -1;
  const order =
    typeof a === 'string' || typeof b === 'string' ? String(a).localeCompare(String(b)) : a - b;
  return descending ? -order : order;
}

function useSorted<Row>({ columns, rows, sortBy }: Props<Row>) {
  const initial = columns.find((column) => column.id === sortBy);
  const [by, setBy] = useState({ id: sortBy ?? '', down: initial?.numeric ?? false });
  const sort = columns.find((column) => column.id === by.id)?.sort;
  const sorted = sort ? [...rows].sort((a, b) => compare(sort(a), sort(b), by.down)) : rows;
  const choose = (column: Column<Row>) =>
    setBy(
      by.id === column.id
        ? { id: by.id, down: !by.down }
        : { id: column.id, down: column.numeric ?? false },
    );
  return { sorted, by, choose };
}

export function Table<Row>(props: Props<Row>) {
  const { columns, onOpen } = props;
  const { sorted, by, choose } = useSorted(props);
  const [cursor, setCursor] = useState(-1);
  const body = useRef<HTMLTableSectionElement>(null);
  const active = Math.min(cursor, sorted.length - 1);
  const move = (step: number) => {
    const next = Math.max(0, Math.min(sorted.length - 1, active + step));
    setCursor(next);
    body.current?.querySelectorAll('tr')[next]?.focus();
  };
  useKeys(
    'Lists',
    props.keys
      ? [
          { keys: 'j', help: 'Next row', run: () => move(1) },
          { keys: 'k', help: 'Previous row', run: () => move(-1) },
          {
            keys: 'Enter',
            help: 'Open the row',
            run: () => sorted[active] && onOpen?.(sorted[active]),
          },
        ]
      : [],
  );
  return (
    <div class="table-scroll">
      <table class="table" aria-label={props.label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.id}
                scope="col"
                class={`${column.numeric ? 'num' : ''} ${column.wide ? 'wide' : ''}`}
                aria-sort={by.id === column.id ? (by.down ? 'descending' : 'ascending') : undefined}
              >
                {column.sort ? (
                  <button class="sort" onClick={() => choose(column)}>
                    {column.head}
                    <span aria-hidden="true">
                      {by.id === column.id ? (by.down ? ' ↓' : ' ↑') : ''}
                    </span>
                  </button>
                ) : (
                  column.head
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody ref={body}>
          {sorted.map((row, i) => {
            const key = props.rowKey(row);
            const marks = `${onOpen ? 'clickable' : ''} ${i === active ? 'active' : ''} ${
              props.selected === key ? 'selected' : ''
            }`;
            return (
              <tr key={key} class={marks} tabIndex={-1} onClick={onOpen && (() => onOpen(row))}>
                {columns.map((column) => (
                  <td
                    key={column.id}
                    class={`${column.numeric ? 'num' : ''} ${column.wide ? 'wide' : ''}`}
                  >
                    {column.cell(row)}
                  </td>
                ))}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
