import { describe, expect, it } from 'vitest';
import { generated, strengthOf } from './strength';

describe('what the hub refuses', () => {
  it.each([
    ['short one', 'password.short'],
    ['aaaabbbbaaaabbbb', 'password.monotonous'],
    ['abcdefghijklmnop', 'password.monotonous'],
    ['password12345678', 'password.common'],
    ['ada.lovelace@example.com', 'password.address']
  ])('%s', (password, flaw) => {
    expect(strengthOf(password, 'ada.lovelace@example.com')).toEqual({ level: 0, flaw });
  });
});

it('grows with length and variety', () => {
  const levels = ['moon cat river', 'moon cat river lamp 7', 'Moon7 cat-river lamp & 42 stones'].map((password) => strengthOf(password, 'a@b').level);
  expect(levels).toEqual(levels.toSorted());
  expect(levels[0]).toBeGreaterThan(0);
  expect(levels[2]).toBe(4);
});

it('makes passwords that are strong and differ', () => {
  const [one, other] = [generated(), generated()];
  expect(one).not.toBe(other);
  expect(strengthOf(one, 'a@b').level).toBeGreaterThanOrEqual(3);
});
