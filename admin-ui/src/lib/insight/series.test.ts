import { expect, it } from 'vitest';
import { rangeOf, startOfToday } from './range';
import { steps, values } from './series';

const grid = { from: 100, to: 145, step: 10 };

it('has a value for every step', () => {
  expect(steps(grid)).toEqual([100, 110, 120, 130, 140]);
  const lines = [
    { bucket: 110, n: 3 },
    { bucket: 140, n: 1 },
    { bucket: 150, n: 9 },
    { bucket: 90, n: 9 }
  ];
  expect(values(grid, lines, (line) => line.n, 0)).toEqual([0, 3, 0, 0, 1]);
  expect(values(grid, [{ bucket: 120, n: null }], (line) => line.n, null)).toEqual([null, null, null, null, null]);
});

it('knows ranges', () => {
  expect(rangeOf('7d')).toBe('7d');
  expect(rangeOf('nonsense')).toBe('24h');
  expect(startOfToday(new Date(2026, 4, 3, 12, 30))).toBe(new Date(2026, 4, 3).getTime());
});
