import { describe, expect, it } from 'vitest';
import { instant, localTime, periods, resets, stateOf } from './keys';

const now = Date.UTC(2026, 11, 31, 23, 30);

describe('the state of a key', () => {
  it.each([
    [{ enabled: false }, 'keys.state.off'],
    [{ enabled: true, expires_at: now }, 'keys.state.expired'],
    [{ enabled: true, expires_at: now + 3_600_000 }, 'keys.state.soon'],
    [{ enabled: true, expires_at: now + 30 * 86_400_000 }, 'keys.state.on'],
    [{ enabled: true }, 'keys.state.on']
  ])('%o is %s', (key, name) => {
    expect(stateOf(key as Parameters<typeof stateOf>[0], now).name).toBe(name);
  });
});

it('turns the year with the budgets', () => {
  expect(resets(now)).toEqual({ day: Date.UTC(2027, 0, 1), month: Date.UTC(2027, 0, 1) });
  expect(periods(now)).toEqual({ day: Date.UTC(2026, 11, 31), month: Date.UTC(2026, 11, 1) });
});

it('keeps a time through its field, to the minute', () => {
  expect(instant(localTime(now))).toBe(now);
  expect(instant('')).toBeNull();
});
