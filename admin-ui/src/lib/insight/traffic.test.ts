import { expect, it } from 'vitest';
import { percentile } from './percentile';
import { figures, type Ended, type Request } from './traffic.svelte';

const request = (id: string, at: number, total_ms: number, more: Partial<Request> = {}): Ended =>
  ({
    at: at + total_ms,
    request: { id, at, total_ms, outcome: 'ok', first_byte_ms: 10, status: 200, tokens: null, ...more } as unknown as Request
  });

it('counts the last minute alone', () => {
  const now = 1_000_000;
  const tokens = { input: 50, output: 10 } as Request['tokens'];
  const found = figures(
    [
      request('old', now - 70_000, 1000),
      request('long', now - 70_000, 69_500, { first_byte_ms: 40, tokens }),
      request('new', now - 1500, 0),
      request('bad', now - 500, 0, { outcome: 'error', first_byte_ms: 900 })
    ],
    now
  );
  expect(found.requests).toBe(3);
  expect(found.perSecond).toBeCloseTo(0.05);
  expect(found.errorRate).toBeCloseTo(1 / 3);
  expect(found.tokensPerSecond).toBe(1);
  expect([found.p50, found.p95]).toEqual([10, 40]);
  expect(found.seconds.slice(-2)).toEqual([1, 2]);
});

it('knows nothing without requests', () => {
  expect(figures([], 0)).toMatchObject({ requests: 0, errorRate: null, p50: null });
  expect(percentile([], 0.5)).toBeNull();
  expect(percentile([3, 1, 2], 0.5)).toBe(2);
  expect(percentile([3, 1, 2], 0.95)).toBe(3);
});
