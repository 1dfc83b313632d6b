/** The pages to walk, read from the routes themselves so that a new page cannot be forgotten. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { until } from './until.js';

const ROUTES = join(import.meta.dirname, '../src/routes');

/** Paths as the router names them, `/providers/[name]` included; groups in parentheses are no part of them. */
export function routes() {
  const files = /** @type {string[]} */ (readdirSync(ROUTES, { recursive: true }));
  return files
    .filter((file) => file.endsWith('+page.svelte'))
    .map((file) => relative(ROUTES, join(ROUTES, file, '..')))
    .map((folder) => `/${folder.split('/').filter((part) => part && !part.startsWith('(')).join('/')}`)
    .sort();
}

/**
 * Gives the house something of each kind, so that no page is walked empty. Returns what stands for the variable
 * part of a path, by the first part of the path.
 * @param {import('./house.js').House} house
 * @returns {Promise<Record<string, string>>}
 */
export async function furnish(house) {
  for (const model of ['demo-openai', 'demo-anthropic', 'demo-gemini', 'no-such-model']) await house.ask({ model });
  const providers = (await house.call('GET', '/api/providers?limit=10')).items;
  const provider = providers[0].name;
  await house.call('POST', '/api/key-pools', { name: 'spares', keys: ['sk-spare-1', 'sk-spare-2'] });
  await house.call('POST', '/api/routes', { name: 'batch-work', description: 'Cheap at night', match: { model: ['batch-*'] }, targets: [{ provider }] });
  await house.call('POST', '/api/aliases', { name: 'fast', model: 'demo-openai' });
  await house.call('POST', '/api/presets', { name: 'thrifty', big_model: 'demo-anthropic', small_model: 'demo-openai' });
  const user = await house.call('POST', '/api/users', { email: 'grace@example.com', name: 'Grace', role: 'member' });
  const keys = (await house.call('GET', '/api/api-keys?limit=1')).items;
  const log = await until(async () => (await house.call('GET', '/api/logs?limit=1')).items[0]);
  await house.call('POST', '/api/conversations', { title: 'About bridges', model: 'demo-openai' });
  return { providers: provider, 'key-pools': 'spares', users: user.id, 'api-keys': keys[0].id, logs: log.id };
}

/**
 * The paths to walk: each route with its variable part filled in.
 * @param {Record<string, string>} known
 */
export function paths(known) {
  return routes().map((route) => {
    if (!route.includes('[')) return route;
    const value = known[route.split('/')[1] ?? ''];
    if (!value) throw new Error(`${route} is not walked: furnish() in e2e/pages.js has nothing for it`);
    return route.replace(/\[[^\]]+\]/, encodeURIComponent(value));
  });
}
