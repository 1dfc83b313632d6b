import { expect, it } from 'vitest';
import type { Schemas } from '$lib/api/client';
import { alerts } from './alerts';

const provider = (more: Partial<Schemas['ProviderHealth']>): Schemas['ProviderHealth'] => ({
  name: 'lab',
  enabled: true,
  state: 'healthy',
  reasons: [],
  in_flight: 0,
  latency_ms: {},
  breakers: [],
  keys_ready: 2,
  keys: 2,
  ...more
});
const breaker = (phase: string) => ({ provider: 'lab', model: 'm', phase, failures: 5 });
const situation = (providers: Schemas['ProviderHealth'][]) => ({
  health: { state: 'healthy' as const, providers },
  system: null,
  keeping: null,
  unpriced: 0
});
const ids = (providers: Schemas['ProviderHealth'][]) => alerts(situation(providers)).map((alert) => alert.id);

it('is quiet while all is well', () => {
  expect(ids([provider({ breakers: [breaker('closed')] }), provider({ keys: 0, keys_ready: 0 })])).toEqual([]);
});

it('tells of keys that are out and breakers that are open, of providers in use', () => {
  expect(ids([provider({ keys_ready: 0, breakers: [breaker('open')] })])).toEqual(['keys lab', 'breaker lab/m']);
  expect(ids([provider({ enabled: false, keys_ready: 0 })])).toEqual([]);
});

it('tells of what has no price and what has no room', () => {
  const keeping = { capture: 'all', retention_days: 1, capture_retention_days: 1, capture_max_bytes: 100, captured_bytes: 95 };
  expect(alerts({ ...situation([]), keeping, unpriced: 3 }).map((alert) => alert.id)).toEqual(['bodies', 'unpriced']);
});
