// The time one looks at: a preset that moves with the clock, or a fixed range chosen by zooming.
import { computed, effect, signal } from '@preact/signals';
import { busy } from './activity';
import { params, setParams } from './router';
import { ago, clock, moment } from './format';

export interface Range {
  /** Seconds since 1970. */
  from: number;
  to: number;
  /** Seconds between points of a chart. */
  step: number;
}

export const kPresets: readonly { id: string; label: string; seconds: number }[] = [
  { id: '5m', label: '5 minutes', seconds: 300 },
  { id: '15m', label: '15 minutes', seconds: 900 },
  { id: '1h', label: '1 hour', seconds: 3600 },
  { id: '3h', label: '3 hours', seconds: 3 * 3600 },
  { id: '12h', label: '12 hours', seconds: 12 * 3600 },
  { id: '24h', label: '24 hours', seconds: 86400 },
  { id: '2d', label: '2 days', seconds: 2 * 86400 },
  { id: '7d', label: '7 days', seconds: 7 * 86400 },
];
const kDefault = '15m';

const kSteps = [5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

/** A round step that gives at most about 120 points. */
export function stepFor(seconds: number): number {
  return kSteps.find((step) => seconds / step <= 120) ?? 7200;
}

/** The window over which rates are taken: at least four scrapes of 15 s, so that no point is empty. */
export function rateWindow(step: number): string {
  return `${Math.max(60, step * 2)}s`;
}

/** A page's verdict is of the last minutes of what it shows, like the server's own. */
export const recentSeconds = (whole: number) => Math.min(whole, 300);

export const live = signal(true);
const now = signal(Math.floor(Date.now() / 1000));

export const presetId = computed(() => {
  if (params.value.get('from') && params.value.get('to')) return null;
  const id = params.value.get('range') ?? kDefault;
  return kPresets.some((preset) => preset.id === id) ? id : kDefault;
});

/** What a fixed range of these parameters is; null where they are missing or make no sense. */
export function fixedRange(from: string | null, to: string | null): [number, number] | null {
  const a = Number(from);
  const b = Number(to);
  return from && to && Number.isFinite(a) && Number.isFinite(b) && b > a ? [a, b] : null;
}

export const range = computed<Range>(() => {
  const fixed = fixedRange(params.value.get('from'), params.value.get('to'));
  if (fixed) return { from: fixed[0], to: fixed[1], step: stepFor(fixed[1] - fixed[0]) };
  const seconds = kPresets.find((preset) => preset.id === presetId.value)?.seconds ?? 900;
  const step = stepFor(seconds);
  // Aligned, so that points of a fine chart do not wander from one refresh to the next; never in the future,
  // where rates would seem to fall.
  const grain = Math.min(step, 10);
  const to = Math.floor(now.value / grain) * grain;
  return { from: to - seconds, to, step };
});

/** The same for lists of what happened: a moving range ends at the server's now, so that the newest is in it. */
export const listRange = computed<{ start: number; end?: number }>(() => {
  const { from, to } = range.value;
  return presetId.value == null ? { start: from, end: to } : { start: from };
});

export const rangeLabel = computed(() => {
  const preset = kPresets.find((p) => p.id === presetId.value);
  if (preset) return `Last ${preset.label}`;
  const { from, to } = range.value;
  const sameDay = new Date(from * 1000).toDateString() === new Date(to * 1000).toDateString();
  const end = sameDay ? clock(to * 1000, false) : moment(to * 1000);
  return `${moment(from * 1000)} – ${end} (${ago(to - from)})`;
});

export function choosePreset(id: string): void {
  setParams({ range: id === kDefault ? null : id, from: null, to: null });
  refresh();
}

export function zoomTo(from: number, to: number): void {
  if (to - from < 1) return;
  setParams({ from: Math.floor(from), to: Math.ceil(to) });
}

/** Counts refreshes; queries depend on it. */
export const tick = signal(0);

export function refresh(): void {
  now.value = Math.floor(Date.now() / 1000);
  tick.value++;
}

/** Refreshes while live, the range is not fixed and the page is seen. */
export function startLive(): void {
  effect(() => {
    if (!live.value || presetId.value == null) return;
    const seconds = range.value.to - range.value.from;
    const period = seconds <= 3600 ? 5000 : seconds <= 86400 ? 30_000 : 120_000;
    const timer = setInterval(() => document.hidden || busy() || refresh(), period);
    return () => clearInterval(timer);
  });
}
