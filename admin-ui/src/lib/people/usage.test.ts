import { expect, it } from 'vitest';
import { DAY, DAYS, daysOf } from './usage';

it('has every day once, the last one today', () => {
  const now = Date.UTC(2026, 2, 1, 13);
  const today = Date.UTC(2026, 2, 1);
  const days = daysOf([{ bucket: today - DAY, requests: 3, errors: 1, cost_nano_usd: 5, unpriced: 0 }, { bucket: today - 2 * DAY, requests: 1, errors: 0, cost_nano_usd: 0, unpriced: 1 }], now);
  expect(days).toHaveLength(DAYS);
  expect(days.at(-1)).toEqual({ at: today, requests: 0, errors: 0, cost: 0 });
  expect(days.at(-2)).toEqual({ at: today - DAY, requests: 3, errors: 1, cost: 5 });
  expect(days.at(-3)?.cost, 'an unknown price is not nothing').toBeNull();
  expect(new Set(days.map((day) => day.at)).size).toBe(DAYS);
});
