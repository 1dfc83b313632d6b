/** Which key of a pool is tried first, in the words of the hub. */
import { t } from '$lib/i18n/index.svelte';

export const rotations = ['round_robin', 'weighted', 'random', 'least_busy', 'priority'] as const;

/** What can be chosen, the hub's own choice first. */
export function rotationOptions(): { value: string; label: string }[] {
  return rotations.map((value) => ({ value, label: t(`rules.strategy.${value}`) }));
}

/** What a strategy is called; one that this page does not know goes by the hub's word. */
export function rotationName(strategy: string | null | undefined): string {
  const known = rotations.find((word) => word === (strategy ?? rotations[0]));
  return known ? t(`rules.strategy.${known}`) : (strategy ?? '');
}
