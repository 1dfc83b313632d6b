import { choose, preferred } from '$lib/i18n/index.svelte';
import { renew, who } from '$lib/session/session.svelte';

export const ssr = false;
export const prerender = false;

export async function load() {
  await choose(preferred());
  if (!who()) await renew();
}
