import { expect, it } from 'vitest';
import { area, line, points, y } from './path';

const frame = { width: 100, height: 50, most: 10, count: 3 };

it('draws what is there and passes over what is missing', () => {
  const found = points([0, null, 10], frame);
  expect(found).toEqual([
    [0, 50],
    [100, 0]
  ]);
  expect(line(found)).toBe('M0.0,50.0L100.0,0.0');
  expect(area(found, frame)).toBe('M0.0,50.0L100.0,0.0L100.0,50.0L0.0,50.0Z');
});

it('draws nothing from nothing, and stays inside', () => {
  expect(line(points([null, null, null], frame))).toBe('');
  expect(area([], frame)).toBe('');
  expect(y(99, frame)).toBe(0);
});
