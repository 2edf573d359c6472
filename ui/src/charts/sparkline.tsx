// A line the size of a word.
export function sparkPath(values: (number | null)[], width: number, height: number): string {
  const known = values.filter((value) => value != null);
  const max = Math.max(0, ...known);
  if (values.length < 2 || !known.length) return '';
  let path = '';
  let pen = false;
  values.forEach((value, i) => {
    if (value == null) {
      pen = false;
      return;
    }
    const x = (i / (values.length - 1)) * width;
    const y = max ? height - (value / max) * height : height;
    path += `${pen ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  });
  return path;
}

export function Sparkline({ values, label }: { values: (number | null)[]; label: string }) {
  const [width, height] = [96, 22];
  return (
    <svg class="spark" viewBox={`-1 -2 ${width + 2} ${height + 4}`} role="img" aria-label={label}>
      <path d={sparkPath(values, width, height)} />
    </svg>
  );
}
