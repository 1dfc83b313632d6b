/**
 * Client keys that were made in this page, until it is closed: the hub shows a key once, and snippets need it.
 * They are kept in memory alone.
 */
import type { Schemas } from '$lib/api/client';

type Made = Schemas['ClientKeyMade'];

let held = $state.raw<Record<string, string>>({});

export function hold(made: Made): void {
  held = { ...held, [made.id]: made.key };
}

/** The key itself, when it was made here. */
export function heldKey(id: string): string | undefined {
  return held[id];
}
