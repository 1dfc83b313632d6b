/** A key as it is kept, with what traffic does to it right now. */
import type { Schemas } from '$lib/api/client';
import type { LiveKey } from './live.svelte';

export interface KeyRow extends Omit<Schemas['PoolKey'], 'label'> {
  label: string;
  until: number | null;
  recent: number;
}

/** What is kept, with the news over it. `read` is when the keys were read. */
export function rows(keys: readonly Schemas['PoolKey'][], live: ReadonlyMap<string, LiveKey> | undefined, read: number): KeyRow[] {
  return keys.map((key) => {
    const now = live?.get(key.key);
    const kept = { ...key, label: key.label ?? '', recent: 0, until: key.cooling_seconds != null ? read + key.cooling_seconds * 1000 : null };
    if (!now || !key.enabled) return kept;
    return { ...kept, ...now };
  });
}
