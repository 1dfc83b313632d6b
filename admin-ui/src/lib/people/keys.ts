/** What a client key is worth at a moment. */
import type { Schemas } from '$lib/api/client';
import type { Key } from '$lib/i18n/index.svelte';

type ClientKey = Schemas['ClientKey'];

export interface State {
  name: Key;
  tone: 'good' | 'plain' | 'warn' | 'bad';
}

const SOON = 7 * 86_400_000;

export function stateOf(key: Pick<ClientKey, 'enabled' | 'expires_at'>, now: number): State {
  if (!key.enabled) return { name: 'keys.state.off', tone: 'plain' };
  if (key.expires_at && key.expires_at <= now) return { name: 'keys.state.expired', tone: 'bad' };
  if (key.expires_at && key.expires_at - now < SOON) return { name: 'keys.state.soon', tone: 'warn' };
  return { name: 'keys.state.on', tone: 'good' };
}

/** What `PUT` wants of a key that is to stay as it is; it replaces the whole. */
export function bodyOf(key: ClientKey): Schemas['ChangedKey'] {
  const { name, enabled, limits, tags, expires_at } = key;
  return { name, enabled, limits, tags, expires_at };
}

/** Milliseconds as a field for date and time writes them, in the reader's zone; and back. */
export function localTime(at: number | null | undefined): string {
  if (!at) return '';
  const offset = new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - offset).toISOString().slice(0, 16);
}

export function instant(text: string): number | null {
  return text ? new Date(text).getTime() : null;
}

/** When the budgets begin anew: the next day and the next month of UTC. */
export function resets(now: number): { day: number; month: number } {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return { day: Date.UTC(year, month, day + 1), month: Date.UTC(year, month + 1, 1) };
}

/** When the running day and month of UTC began. */
export function periods(now: number): { day: number; month: number } {
  const date = new Date(now);
  const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  return { day: Date.UTC(year, month, day), month: Date.UTC(year, month, 1) };
}
