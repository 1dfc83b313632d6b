/** What requests cost, without calling the unknown nothing. */
import { money } from '$lib/i18n/index.svelte';

interface Line {
  cost_nano_usd?: number | undefined;
  unpriced: number;
}

/** The known costs; a dash where there are requests and no price of any of them is known. */
export function costText(line: Line | null | undefined): string {
  if (!line || (!line.cost_nano_usd && line.unpriced > 0)) return '—';
  return money(line.cost_nano_usd);
}
