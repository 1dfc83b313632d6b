import { expect, it } from 'vitest';
import { secondsUntil, verdict, type Standing } from './verdict';

const key = (state: string, until: number | null = null): Standing => ({ state, until });

it.each([
  ['no keys', [], 'empty'],
  ['one key', [key('active')], 'usable'],
  ['one of two left', [key('active'), key('quarantined')], 'last'],
  ['the other one is off', [key('active'), key('disabled')], 'usable'],
  ['one that has just rested', [key('half-open')], 'usable'],
  ['one of two that has just rested', [key('half-open'), key('cooling')], 'last'],
  ['all refused', [key('quarantined'), key('disabled')], 'stuck'],
  ['all off', [key('disabled')], 'stuck']
])('%s', (_, keys, kind) => {
  expect(verdict(keys).kind).toBe(kind);
});

it('says when the first key comes back', () => {
  const found = verdict([key('cooling', 9000), key('cooling', 4000), key('quarantined')]);
  expect(found).toMatchObject({ kind: 'resting', until: 4000, total: 3 });
  expect(verdict([key('cooling', 4000), key('active')]).until).toBeNull();
});

it('counts seconds down to nought', () => {
  expect(secondsUntil(5000, 1001)).toBe(4);
  expect(secondsUntil(5000, 9000)).toBe(0);
});
