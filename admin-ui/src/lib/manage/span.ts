/** A length of time in its two largest units, such as `3 d 4 h`. */
import { number } from '$lib/i18n/index.svelte';

const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1]
] as const;

export function span(seconds: number): string {
  const first = UNITS.findIndex(([, size]) => seconds >= size);
  const from = first < 0 ? UNITS.length - 1 : first;
  let rest = Math.floor(seconds);
  const parts = UNITS.slice(from, from + 2).map(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return [count, unit] as const;
  });
  return parts
    .filter(([count], at) => at === 0 || count > 0)
    .map(([count, unit]) => number(count, { style: 'unit', unit, unitDisplay: 'short' }))
    .join(' ');
}
