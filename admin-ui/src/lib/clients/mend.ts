/** What somebody can do about a request that failed, by its status. */
import type { Key } from '$lib/i18n/index.svelte';

export function mend(status: number): Key {
  if (status === 401) return 'clients.mend.key';
  if (status === 403) return 'clients.mend.forbidden';
  if (status === 404) return 'clients.mend.model';
  if (status === 429) return 'clients.mend.limit';
  if (status === 400 || status === 413 || status === 422) return 'clients.mend.request';
  return 'clients.mend.provider';
}
