/** What a person chose, kept on the server so that it follows them. */
import { api } from '$lib/api/client';
import { who } from './session.svelte';

export interface Preferences {
  language?: string;
  theme?: string;
}

/** Saves a choice; without a session it stays in this browser alone. */
export async function savePreferences(change: Preferences): Promise<void> {
  if (!who()) return;
  const { data } = await api.GET('/api/preferences');
  await api.PUT('/api/preferences', { body: { ...(data ?? {}), ...change } as never });
}
