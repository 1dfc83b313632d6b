/** Asks a provider now whether it answers, and says what came of it. */
import { toast } from 'svelte-sonner';
import { tell } from '$lib/action.svelte';
import { api, problemOf } from '$lib/api/client';
import { duration, t } from '$lib/i18n/index.svelte';

export async function check(name: string): Promise<void> {
  try {
    const { data, error } = await api.POST('/api/health/{name}/check', { params: { path: { name }, query: {} } });
    if (!data) throw error;
    if (data.ok) toast.success(t('providers.works', { name, time: duration(data.latency_ms) }));
    else toast.error(t('providers.works_not', { name }), { description: data.error ?? String(data.status ?? '') });
  } catch (error) {
    tell(problemOf(error));
  }
}
