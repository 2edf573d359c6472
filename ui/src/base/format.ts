// Numbers, durations and times as people read them. Everything returns '–' for what is not a number.

const kNothing = '–';

function significant(value: number, digits: number): string {
  const text = value.toPrecision(digits);
  return text.includes('.') && !text.includes('e') ? text.replace(/\.?0+$/, '') : text;
}

/** 0.00042 → "420 µs", 1.25 → "1.25 s", 75 → "1m 15s". */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return kNothing;
  if (seconds < 0) return `−${duration(-seconds)}`;
  if (seconds === 0) return '0 s';
  if (seconds < 1e-6) return `${significant(seconds * 1e9, 3)} ns`;
  if (seconds < 0.9995e-3) return `${short(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${short(seconds * 1e3)} ms`;
  if (seconds < 59.95) return `${short(seconds)} s`;
  return ago(seconds);
}

/** Three digits, never in scientific notation. */
function short(value: number): string {
  if (value >= 100) return Math.round(value).toString();
  return significant(value, 3);
}

/** Whole units of long spans: 75 → "1m 15s", 7300 → "2h 1m", 200000 → "2d 7h". */
export function ago(seconds: number): string {
  const s = Math.round(seconds);
  if (s < 60) return `${s}s`;
  const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
    small ? `${big}${bigUnit} ${small}${smallUnit}` : `${big}${bigUnit}`;
  if (s < 3600) return pair(Math.floor(s / 60), 'm', s % 60, 's');
  if (s < 86400) return pair(Math.floor(s / 3600), 'h', Math.floor((s % 3600) / 60), 'm');
  return pair(Math.floor(s / 86400), 'd', Math.floor((s % 86400) / 3600), 'h');
}

/** 1234 → "1,234", 12345 → "12.3k", 0.1234 → "0.123". */
export function count(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return kNothing;
  const size = Math.abs(value);
  if (size >= 1e9) return `${short(value / 1e9)}G`;
  if (size >= 1e6) return `${short(value / 1e6)}M`;
  if (size >= 1e4) return `${short(value / 1e3)}k`;
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (size >= 100) return Math.round(value).toString();
  if (size > 0 && size < 0.001) return '<0.001';
  return significant(value, 3);
}

/** A whole number with thousands separators. */
export function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

/** Events per second; slow ones per minute or hour, so that "0.02/s" is never read. */
export function rate(perSecond: number | null | undefined): string {
  if (perSecond == null || !Number.isFinite(perSecond)) return kNothing;
  if (perSecond === 0) return '0/s';
  if (perSecond >= 0.1) return `${count(perSecond)}/s`;
  if (perSecond * 60 >= 0.1) return `${count(perSecond * 60)}/min`;
  return `${count(perSecond * 3600)}/h`;
}

/** A ratio as per cent: 0.0123 → "1.23%". */
export function percent(ratio: number | null | undefined): string {
  if (ratio == null || !Number.isFinite(ratio)) return kNothing;
  const value = ratio * 100;
  if (value === 0) return '0%';
  if (value < 0.01) return '<0.01%';
  if (value > 99.99 && value < 100) return '>99.99%';
  return `${significant(value, value >= 99 ? 4 : value >= 10 ? 3 : 2)}%`;
}

export function bytes(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return kNothing;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let size = value;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${short(size)} ${units[unit]}`;
}

/** Cents as an amount without a currency: 123456 → "1,234.56"; large ones without the fraction. */
export function money(cents: number | null | undefined): string {
  if (cents == null || !Number.isFinite(cents)) return kNothing;
  if (Math.abs(cents) >= 1e8) return `${short(cents / 1e8)}M`;
  const digits = Math.abs(cents) >= 1e6 ? 0 : 2;
  return (cents / 100).toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

const pad = (n: number, width = 2) => n.toString().padStart(width, '0');

/** Local time of day with milliseconds: "14:03:07.123". */
export function clock(ms: number, millis = true): string {
  const d = new Date(ms);
  const base = `${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())}`;
  return millis ? `${base}.${pad(d.getMilliseconds(), 3)}` : base;
}

/** "25 Nov 14:03:07". */
export function moment(ms: number): string {
  const d = new Date(ms);
  const month = d.toLocaleString('en-GB', { month: 'short' });
  return `${d.getDate()} ${month} ${clock(ms, false)}`;
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${whole(n)} ${n === 1 ? one : many}`;
}

/** How a chart's or a table's numbers are shown. */
export type Unit = 'seconds' | 'rate' | 'ratio' | 'count' | 'bytes' | 'cents';

export function formatter(unit: Unit): (value: number | null | undefined) => string {
  switch (unit) {
    case 'seconds':
      return duration;
    case 'rate':
      return rate;
    case 'ratio':
      return percent;
    case 'bytes':
      return bytes;
    case 'cents':
      return money;
    case 'count':
      return count;
  }
}
