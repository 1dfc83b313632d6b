import { expect, it } from 'vitest';
import type { Schemas } from '$lib/api/client';
import { LiveKeys } from './live.svelte';

const news = (total: number, cooling?: number): Schemas['KeyChange'] => ({
  pool: 'lab',
  key: 'sk-1',
  state: cooling === undefined ? 'active' : 'cooling',
  in_flight: 0,
  total,
  successful: total,
  failed: 0,
  status_codes: {},
  ...(cooling === undefined ? {} : { cooling_seconds: cooling })
});

it('counts calls of the last minute', () => {
  let now = 0;
  const live = new LiveKeys(() => now);
  live.take([news(10)]);
  now = 30_000;
  live.take([news(14)]);
  expect(live.pools?.get('lab')?.get('sk-1')?.recent).toBe(4);
  now = 80_000;
  live.take([news(15)]);
  expect(live.pools?.get('lab')?.get('sk-1')?.recent).toBe(1);
});

it('keeps the moment of recovery steady while seconds are counted down', () => {
  let now = 0;
  const live = new LiveKeys(() => now);
  live.take([news(1, 10)]);
  now = 1400;
  live.take([news(1, 9)]);
  expect(live.pools?.get('lab')?.get('sk-1')?.until).toBe(10_000);
  now = 2000;
  live.take([news(1, 60)]);
  expect(live.pools?.get('lab')?.get('sk-1')?.until).toBe(62_000);
});

it('shows what came during a pause when it ends', () => {
  const live = new LiveKeys(() => 0);
  live.take([news(1)]);
  live.pause();
  live.take([news(2)]);
  expect(live.pools?.get('lab')?.get('sk-1')?.total).toBe(1);
  live.resume();
  expect(live.pools?.get('lab')?.get('sk-1')?.total).toBe(2);
});
