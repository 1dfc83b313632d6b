import { resolve } from '$app/paths';
import { choose, preferred } from '$lib/i18n/index.svelte';
import { renew, who } from '$lib/session/session.svelte';

export const ssr = false;
export const prerender = false;

/** Pages whose English words are part of the first download. */
const FIRST = new Set<string>([resolve('/'), resolve('/login')]);

export async function load({ url, untrack: apart }) {
  const language = preferred();
  const words = choose(language);
  const isReady = language === 'en' && FIRST.has(apart(() => url.pathname));
  await Promise.all([isReady ? undefined : words, who() ? undefined : renew()]);
}
