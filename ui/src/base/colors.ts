// A colour for each service, the same on every page.
const kColors = 8;
const slots = new Map<string, number>();

function hash(text: string): number {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  return h >>> 0;
}

/** 'svc-1' to 'svc-8': by the name, or the next one that no other service has. */
export function serviceColor(service: string): string {
  let slot = slots.get(service);
  if (slot == null) {
    slot = hash(service) % kColors;
    const taken = new Set(slots.values());
    for (let i = 0; i < kColors && taken.has(slot); i++) slot = (slot + 1) % kColors;
    slots.set(service, slot);
  }
  return `svc-${slot + 1}`;
}

/** The colours of series that mean nothing but themselves, in order. */
export function seriesColor(index: number): string {
  return `svc-${(index % kColors) + 1}`;
}

export function severityColor(severity: string): string {
  switch (severity) {
    case 'FATAL':
    case 'ERROR':
      return 'bad';
    case 'WARN':
      return 'warn';
    case 'INFO':
      return 'series-1';
    default:
      return 'faint';
  }
}
