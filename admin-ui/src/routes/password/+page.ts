import { redirect } from '@sveltejs/kit';
import { resolve } from '$app/paths';
import { who } from '$lib/session/session.svelte';

export async function load({ parent }) {
  await parent();
  if (!who()) redirect(302, resolve('/login'));
}
