/** What is said about many measurements of one thing. */

/**
 * The value below which a fraction of all lies: a measured one, never one between two.
 *
 * @returns NaN where there are no values
 */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.round((sorted.length - 1) * fraction)] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** How many times as much the first is as the second, by their medians. */
export function ratio(values: readonly number[], base: readonly number[]): number {
  return median(values) / median(base);
}

/** How many pairs of neighbours stand in the wrong order. */
export function inversions(labels: readonly number[]): number {
  return labels.filter((label, index) => label < (labels[index - 1] ?? label)).length;
}

/** Three digits, or the whole number where it has more; "-" for what was not measured. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  if (value !== 0 && Math.abs(value) < 0.01) return value.toPrecision(1);
  const digits = Math.max(0, 2 - Math.max(0, Math.floor(Math.log10(Math.abs(value) || 1))));
  return value.toFixed(digits);
}

/** `p10 – p90` */
export function spread(values: readonly number[]): string {
  if (values.length === 0) return "-";
  return `${figure(quantile(values, 0.1))} – ${figure(quantile(values, 0.9))}`;
}
