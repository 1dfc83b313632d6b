import { redirect } from '@sveltejs/kit';
import { resolve } from '$app/paths';
import { loginFor } from '$lib/session/destination';
import { who } from '$lib/session/session.svelte';

export async function load({ url, parent }) {
  await parent();
  if (!who()) redirect(302, loginFor(url));
  // The hub refuses everything else until a made password is changed.
  if (who()?.must_change_password) redirect(302, `${resolve('/password')}?next=${encodeURIComponent(url.pathname + url.search)}`);
}
