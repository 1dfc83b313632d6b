/** A pool at a glance: what the list says of it, with the news over it. */
import type { Schemas } from '$lib/api/client';
import type { LiveKey } from './live.svelte';
import { verdict, type Standing, type Verdict } from './verdict';

export interface PoolStanding extends Verdict {
  flight: number;
  /** Calls in the last minute. */
  recent: number;
}

/** News has no disabled keys: those are the list's. */
export function standingOf(counts: Schemas['KeyCounts'], live: ReadonlyMap<string, LiveKey> | undefined): PoolStanding {
  const disabled = Array.from({ length: counts.disabled }, (): Standing => ({ state: 'disabled', until: null }));
  if (!live) {
    const told = (['active', 'cooling', 'quarantined'] as const).flatMap((state) =>
      Array.from({ length: counts[state] }, (): Standing => ({ state, until: null }))
    );
    return { ...verdict([...told, ...disabled]), flight: counts.in_flight, recent: 0 };
  }
  const keys = [...live.values()];
  const sum = (of: (key: LiveKey) => number) => keys.reduce((total, key) => total + of(key), 0);
  return { ...verdict([...keys, ...disabled]), flight: sum((key) => key.in_flight), recent: sum((key) => key.recent) };
}
