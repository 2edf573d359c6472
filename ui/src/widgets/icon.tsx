// Line icons, 16 units square, in the colour of the text beside them.
const kPaths = {
  overview: 'M2 9h3l2-5 3 9 2-4h2',
  endpoints: 'M2.5 4h11M2.5 8h7M2.5 12h4',
  dependencies: 'M8 2.5v3M8 10.5v3M3 13.5h10M3 13.5v-3h10v3M5 5.5h6v2.5H5zM8 8v2.5',
  business: 'M2.5 13.5V9M6.2 13.5V6M9.8 13.5V8M13.5 13.5v-11',
  traces: 'M2 4h8M5 8h6M8 12h6',
  logs: 'M3 3.5h10M3 6.5h10M3 9.5h6M3 12.5h8',
  table: 'M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11M6.5 3.5v9',
  chart: 'M2.5 2.5v11h11M4.5 10l3-4 2.5 2.5 3.5-5',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M12.6 3.4l-.7.7M4.1 11.9l-.7.7',
  moon: 'M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z',
  keyboard: 'M1.5 4.5h13v7h-13zM4 7h.01M6.5 7h.01M9 7h.01M11.5 7h.01M4.5 9.5h7',
  search: 'M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.5 10.5l3 3',
  close: 'M4 4l8 8M12 4l-8 8',
  right: 'M6 3.5L10.5 8 6 12.5',
  down: 'M3.5 6L8 10.5 12.5 6',
  arrow: 'M3 8h9.5M9 4.5L12.5 8 9 11.5',
  copy: 'M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3',
  expand: 'M8 3v10M3 8h10',
  collapse: 'M3 8h10',
} as const;

export type IconName = keyof typeof kPaths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={kPaths[name]} />
    </svg>
  );
}

/** The mark: a watch-post's light. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <path class="mark-v" d="M4 6l8 14 5-8.75" />
      <circle class="mark-dot" cx="18.5" cy="6.5" r="2.75" />
    </svg>
  );
}
