/** The models that can be asked for, as `provider/model`: what providers in use list. */
import { api } from '$lib/api/client';
import type { Option } from '$lib/ui/Combobox.svelte';

/** Providers that are asked for their lists. */
const MOST = 100;

export async function reachable(): Promise<Option[]> {
  const { data } = await api.GET('/api/providers', { params: { query: { limit: MOST } } }).catch(() => ({ data: undefined }));
  return (data?.items ?? [])
    .filter((provider) => provider.enabled !== false)
    .flatMap((provider) => Object.values(provider.models ?? {}).flatMap((models) => models.map((model) => ({ value: `${provider.name}/${model}` }))));
}
