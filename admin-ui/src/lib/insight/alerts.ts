/** What somebody should look at, worst first: from how providers fare, how the hub stands, and what has no price. */
import type { Schemas } from '$lib/api/client';
import { t } from '$lib/i18n/index.svelte';

export interface Alert {
  id: string;
  tone: 'bad' | 'warn';
  text: string;
  path: string;
}

export interface Situation {
  health: Schemas['Health'] | null;
  system: Schemas['System'] | null;
  keeping: Schemas['Keeping'] | null;
  /** Requests without a known price. */
  unpriced: number;
}

/** The share of the room for bodies that is worth a word. */
const NEARLY_FULL = 0.9;

export function alerts({ health, system, keeping, unpriced }: Situation): Alert[] {
  const found: Alert[] = [];
  for (const provider of health?.providers ?? []) {
    if (!provider.enabled) continue;
    const path = `/providers/${encodeURIComponent(provider.name)}`;
    if (provider.keys > 0 && provider.keys_ready === 0) {
      found.push({ id: `keys ${provider.name}`, tone: 'bad', text: t('alert.keys', { name: provider.name }), path: `${path}?tab=keys` });
    }
    for (const breaker of provider.breakers) {
      if (breaker.phase === 'closed') continue;
      const text = t('alert.breaker', { model: `${breaker.provider}/${breaker.model}` });
      found.push({ id: `breaker ${breaker.provider}/${breaker.model}`, tone: 'bad', text, path: `${path}?tab=health` });
    }
  }
  if (system && !system.database.ok) found.push({ id: 'database', tone: 'bad', text: t('alert.database'), path: '/system' });
  if (system && system.records.spill_bytes > 0) {
    found.push({ id: 'waiting', tone: 'warn', text: t('alert.waiting'), path: '/system' });
  }
  const lost = system ? system.records.refused + system.records.lost + system.records.unkept : 0;
  if (lost > 0) found.push({ id: 'lost', tone: 'bad', text: t('alert.lost', { count: lost }), path: '/system' });
  if (keeping && keeping.capture_max_bytes > 0 && keeping.captured_bytes > keeping.capture_max_bytes * NEARLY_FULL) {
    found.push({ id: 'bodies', tone: 'warn', text: t('alert.bodies'), path: '/settings' });
  }
  for (const problem of system?.problems ?? []) {
    found.push({ id: `problem ${problem.place} ${problem.field}`, tone: 'warn', text: t('alert.left_out', { place: problem.place, message: problem.message }), path: '/system' });
  }
  if (unpriced > 0) found.push({ id: 'unpriced', tone: 'warn', text: t('alert.unpriced', { count: unpriced }), path: '/models?tab=unpriced' });
  return found;
}
