/** Prices of models, in dollars for a million tokens. */
import { number } from '$lib/i18n/index.svelte';
import type { Schemas } from '$lib/api/client';

/** The members of a price that may stand alone, in the order in which they are shown. */
export const kinds = ['input', 'output', 'reasoning', 'cache_read', 'cache_write', 'cache_write_1h', 'input_audio', 'output_audio', 'output_image'] as const;
export type PriceKind = (typeof kinds)[number];

/** A price; a dash where none is known. */
export function priceText(dollars: number | null | undefined): string {
  if (dollars == null) return '—';
  return number(dollars, { style: 'currency', currency: 'USD', minimumFractionDigits: 2, maximumFractionDigits: 4 });
}

/** What was typed, as a price: only members with a number. */
export function priceOf(typed: Record<PriceKind, string | number>, tiers: Schemas['Tier'][]): Schemas['Cost'] {
  const given = kinds.flatMap((kind) => {
    const text = String(typed[kind] ?? '').trim();
    return text === '' ? [] : [[kind, Number(text)] as const];
  });
  return { ...(Object.fromEntries(given) as Partial<Record<PriceKind, number>>), tiers };
}
