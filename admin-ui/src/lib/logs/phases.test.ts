import { expect, it } from 'vitest';
import { phasesOf, recordOf } from './record';

function phases(attempts: Record<string, unknown>[], first: number | null, total: number) {
  const request = { total_ms: total, first_byte_ms: first };
  const record = recordOf({ request, attempts, trace: [], fidelity: [] } as unknown as Parameters<typeof recordOf>[0]);
  return phasesOf(record).map(({ kind, from, ms }) => [kind, from, ms]);
}

it('knows when each try began', () => {
  const attempts = [
    { provider: 'a', status: 429, since_ms: 4, ms: 10, reason: 'limited' },
    { provider: 'b', status: 200, since_ms: 50, ms: 30 }
  ];
  expect(phases(attempts, 80, 100)).toEqual([
    ['preparing', 0, 4],
    ['failed', 4, 10],
    ['between', 14, 36],
    ['waiting', 50, 30],
    ['streaming', 80, 20]
  ]);
});

it('shares out what is left in records that do not say it', () => {
  const attempts = [
    { provider: 'a', status: 429, ms: 10, reason: 'limited' },
    { provider: 'b', status: 200, ms: 30 }
  ];
  expect(phases(attempts, 80, 100)).toEqual([
    ['failed', 0, 10],
    ['between', 10, 40],
    ['waiting', 50, 30],
    ['streaming', 80, 20]
  ]);
  expect(phases([], null, 5)).toEqual([['waiting', 0, 5]]);
});
