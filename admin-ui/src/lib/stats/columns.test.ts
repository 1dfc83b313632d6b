import { expect, it } from 'vitest';
import type { Schemas } from '$lib/api/client';
import { csv, joined, sorted } from './columns';

const line = (key: string, requests: number, cost: number | null, unpriced = 0): Schemas['RequestLine'] =>
  ({ key: [key], label: key, requests, cost_nano_usd: cost, unpriced, success_rate: 1, first_byte: { count: 0 }, latency: { count: 0 } }) as unknown as Schemas['RequestLine'];
const tokens = (key: string, input: number): Schemas['TokenLine'] =>
  ({ key: [key], label: key, input, cache_read: 1, cache_write: 1, cache_write_5m: 2, cache_write_1h: 3, output: 4, reasoning: 0 }) as unknown as Schemas['TokenLine'];

const groups = joined([line('a', 5, null, 5), line('b', 9, 2_000_000_000), line('=c', 1, 1_000_000_000)], [tokens('b', 70), tokens('a', 30)]);

it('puts requests and tokens of a group together', () => {
  expect(groups.map((group) => group.tokens?.input)).toEqual([30, 70, undefined]);
});

it('sorts, with the unknown last', () => {
  const names = (down: boolean) => sorted(groups, 'cost_usd', down).map((group) => group.key[0]);
  expect(names(true)).toEqual(['b', '=c', 'a']);
  expect(names(false)).toEqual(['=c', 'b', 'a']);
});

it('writes a file that no spreadsheet runs, without calling the unknown nothing', () => {
  const [head, a, b, c] = csv('model', groups).trimEnd().split('\r\n');
  expect(head?.startsWith('model,label,requests,')).toBe(true);
  expect(a).toBe('a,a,5,1,,,30,1,6,4,0,,5');
  expect(b).toContain(',2,0');
  expect(c?.startsWith("'=c,'=c,1")).toBe(true);
});
