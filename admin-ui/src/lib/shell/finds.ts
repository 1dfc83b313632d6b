/** Things that the palette finds by name, asked of the server while somebody types. Pages and actions are known here. */
import { api } from '$lib/api/client';
import type { Key } from '$lib/i18n/index.svelte';
import { may, type Role } from '$lib/session/session.svelte';

export interface Thing {
  /** What kind it is. */
  kind: Key;
  name: string;
  path: string;
}

/** What can be done from anywhere: a page that opens its form. */
export interface Deed {
  name: Key;
  path: string;
  role: Role;
}

export const deeds: readonly Deed[] = [
  { name: 'palette.add_provider', path: '/providers?new=1', role: 'operator' },
  { name: 'palette.make_key', path: '/api-keys?new=1', role: 'member' },
  { name: 'palette.make_route', path: '/routes?new=1', role: 'operator' },
  { name: 'palette.invite', path: '/users?new=1', role: 'admin' },
  { name: 'palette.export', path: '/system', role: 'operator' },
  { name: 'palette.setup', path: '/setup', role: 'admin' },
  { name: 'profile.title', path: '/profile', role: 'member' }
];

const MOST = 4;

type Named = { items: { name: string }[] };

async function named(kind: Key, folder: string, call: Promise<{ data?: Named | undefined }>): Promise<Thing[]> {
  const { data } = await call;
  return (data?.items ?? []).map((item) => ({ kind, name: item.name, path: `${folder}/${encodeURIComponent(item.name)}` }));
}

/** Providers, pools, routes and keys with this in their names, a few of each. */
export async function things(search: string): Promise<Thing[]> {
  const query = { search, limit: MOST };
  const keys = api.GET('/api/api-keys', { params: { query } }).then(({ data }) =>
    (data?.items ?? []).map((key): Thing => ({ kind: 'nav.api_keys', name: key.name, path: `/api-keys/${key.id}` }))
  );
  const seen = may('viewer')
    ? [
        named('nav.providers', '/providers', api.GET('/api/providers', { params: { query } })),
        named('nav.key_pools', '/key-pools', api.GET('/api/key-pools', { params: { query } })),
        routes(query)
      ]
    : [];
  const found = await Promise.allSettled([...seen, keys]);
  return found.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
}

/** A route has no page of its own: the list opens it. */
async function routes(query: { search: string; limit: number }): Promise<Thing[]> {
  const { data } = await api.GET('/api/routes', { params: { query } });
  return (data?.items ?? []).map((route) => ({ kind: 'nav.routes', name: route.name, path: `/routes?rule=${encodeURIComponent(route.name)}` }));
}
