/** The order in which providers are tried. */
import { number, t } from '$lib/i18n/index.svelte';

/** The demonstration stands behind everything, at the last number that JavaScript has. */
export function priorityText(priority: number | null | undefined): string {
  if (priority == null) return '—';
  return priority >= Number.MAX_SAFE_INTEGER ? t('providers.last') : number(priority);
}
