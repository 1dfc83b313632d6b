import { expect, it } from 'vitest';
import { bytes } from '$lib/i18n/bytes';
import { span } from './span';

it.each([
  [0, '0 byte'],
  [999, '999 byte'],
  [1500, '1.5 kB'],
  [233_472, '233.5 kB'],
  [6_600_000_000, '6.6 GB'],
  [null, '—']
])('%s bytes are %s', (size, text) => {
  expect(bytes(size)).toBe(text);
});

it.each([
  [0, '0 sec'],
  [61, '1 min 1 sec'],
  [3600, '1 hr'],
  [90_061, '1 day 1 hr']
])('%s seconds are %s', (seconds, text) => {
  expect(span(seconds)).toBe(text);
});
