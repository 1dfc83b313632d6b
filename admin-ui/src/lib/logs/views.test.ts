import { beforeEach, expect, it, vi } from 'vitest';
import { api } from '$lib/api/client';
import type { Preferences } from '$lib/session/preferences';
import { Views } from './views.svelte';

vi.mock('$lib/session/session.svelte', () => ({ who: () => null, bearer: async () => '', renew: async () => false }));

/** What the account keeps; null while the hub refuses. */
let kept: Preferences | null = {};
const names = () => ((kept?.other as { log_views?: { name: string }[] } | undefined)?.log_views ?? []).map((view) => view.name);

beforeEach(() => {
  kept = {};
  vi.spyOn(api, 'GET').mockImplementation((async () => (kept ? { data: structuredClone(kept), response: new Response() } : { error: {}, response: new Response(null, { status: 503 }) })) as never);
  vi.spyOn(api, 'PUT').mockImplementation((async (_: string, { body }: { body: Preferences }) => {
    kept = structuredClone(body);
    return { data: body, response: new Response() };
  }) as never);
});

it('keeps both of two views that are saved at once', async () => {
  const views = new Views();
  expect(await Promise.all([views.save('a', { status: '429' }), views.save('b', { outcome: 'error' })])).toEqual([true, true]);
  expect(names()).toEqual(['a', 'b']);
  expect(views.own.map((view) => view.name)).toEqual(['a', 'b']);
});

it('leaves views that another page has saved since it looked', async () => {
  const [here, there] = [new Views(), new Views()];
  await Promise.all([here.load(), there.load()]);
  await there.save('theirs', {});
  await here.save('mine', { model: 'x' });
  expect(names()).toEqual(['theirs', 'mine']);
  await Promise.all([here.remove('theirs'), there.save('mine', { model: 'y' })]);
  expect(names()).toEqual(['mine']);
  expect(there.own).toEqual([{ name: 'mine', filter: { model: 'y' } }]);
});

it('shows nothing as kept that the hub refused, and leaves the rest of the preferences', async () => {
  kept = { theme: 'dark', other: { columns: ['a'] } };
  const views = new Views();
  await views.save('a', {});
  expect(kept).toMatchObject({ theme: 'dark', other: { columns: ['a'] } });
  kept = null;
  expect([await views.save('b', {}), views.own.map((view) => view.name)]).toEqual([false, ['a']]);
});
