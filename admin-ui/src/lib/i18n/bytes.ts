/** Sizes as people read them. */
import { number } from './index.svelte';

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const;

export function bytes(size: number | null | undefined): string {
  if (size === null || size === undefined) return '—';
  const step = size < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log(size) / Math.log(1000)));
  return number(size / 1000 ** step, { style: 'unit', unit: UNITS[step] ?? 'byte', unitDisplay: 'short', maximumFractionDigits: step ? 1 : 0 });
}
