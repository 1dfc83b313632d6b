import { expect, it } from 'vitest';
import { amounts, times } from './ticks';

it.each([
  [0, [0]],
  [9, [0, 2.5, 5, 7.5]],
  [100, [0, 25, 50, 75, 100]],
  [0.03, [0, 0.01, 0.02, 0.03]]
])('amounts up to %s', (most, expected) => {
  expect(amounts(most, 4).map((amount) => Number(amount.toFixed(6)))).toEqual(expected);
});

it('has times that a clock shows', () => {
  const from = new Date(2026, 4, 3, 10, 7).getTime();
  const found = times(from, from + 3_600_000, 6).map((at) => new Date(at).getMinutes());
  expect(found).toEqual([10, 20, 30, 40, 50, 0]);
  const days = times(from, from + 30 * 86_400_000, 8);
  expect(days.length).toBeLessThanOrEqual(8);
  expect(new Date(days[0] ?? 0).getHours()).toBe(0);
});
