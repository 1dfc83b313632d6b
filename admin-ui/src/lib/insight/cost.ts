/** What requests cost, without calling the unknown nothing. */
import { money } from '$lib/i18n/index.svelte';

/** Costs are absent where there are requests and no price of any of them is known. */
interface Line {
  cost_nano_usd?: number | null;
}

/** The known costs, or a dash. */
export function costText(line: Line | null | undefined): string {
  return money(line?.cost_nano_usd);
}
