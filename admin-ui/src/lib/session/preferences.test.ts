import { userPrefersMode, setMode } from 'mode-watcher';
import { beforeEach, expect, it, vi } from 'vitest';
import { api } from '$lib/api/client';
import { choose, current } from '$lib/i18n/index.svelte';
import { applyPreferences, savePreferences, type Preferences } from './preferences';

const session = vi.hoisted(() => ({ person: null as { must_change_password: boolean } | null }));
vi.mock('./session.svelte', () => ({ who: () => session.person, bearer: async () => '', renew: async () => false }));

/** What the account keeps; null while the hub refuses. */
let kept: Preferences | null = {};
const get = vi.spyOn(api, 'GET');
const put = vi.spyOn(api, 'PUT');

beforeEach(() => {
  session.person = { must_change_password: false };
  kept = {};
  get.mockReset().mockImplementation((async () => (kept ? { data: structuredClone(kept), response: new Response() } : { error: {}, response: new Response(null, { status: 503 }) })) as never);
  put.mockReset().mockImplementation((async (_: string, { body }: { body: Preferences }) => {
    kept = body;
    return { data: body, response: new Response() };
  }) as never);
});

const inForce = () => [current(), userPrefersMode.current, localStorage.getItem('bridge.language')];

it('puts what the account keeps before what the browser had', async () => {
  await choose('de');
  setMode('light');
  kept = { language: 'pt-BR', theme: 'dark' };
  await applyPreferences();
  expect(inForce()).toEqual(['pt', 'dark', 'pt']);
});

it.each([
  ['nothing is kept', {}, ['de', 'light', 'de']],
  ['only a theme is kept', { theme: 'system' }, ['de', 'system', 'de']],
  ['only a language is kept', { language: 'ar' }, ['ar', 'light', 'ar']],
  ['the language is none of ours', { language: 'fil' }, ['de', 'light', 'de']],
  ['the hub refuses', null, ['de', 'light', 'de']]
] as const)('leaves the rest as the browser has it: %s', async (_, found, expected) => {
  await choose('de');
  setMode('light');
  kept = found;
  await applyPreferences();
  expect(inForce()).toEqual(expected);
});

it('lets people in when the hub does not answer', async () => {
  get.mockRejectedValue(new TypeError('fetch failed'));
  await expect(applyPreferences()).resolves.toBeUndefined();
});

it('keeps choices that are made at once, and what else is kept', async () => {
  kept = { other: { log_views: [] } };
  await Promise.all([savePreferences({ language: 'fr' }), savePreferences({ theme: 'dark' })]);
  expect(kept).toEqual({ language: 'fr', theme: 'dark', other: { log_views: [] } });
});

it('writes over nothing that it could not read', async () => {
  kept = null;
  await savePreferences({ theme: 'dark' });
  expect(put).not.toHaveBeenCalled();
});

it.each([null, { must_change_password: true }])('keeps a choice in this browser while the account is closed: %o', async (person) => {
  session.person = person;
  await savePreferences({ theme: 'dark' });
  expect(get).not.toHaveBeenCalled();
});

it('begins anew with what another browser has kept meanwhile', async () => {
  let version = 7;
  get.mockImplementation((async () => ({ data: structuredClone(kept), response: new Response(null, { headers: { etag: `"${version}"` } }) })) as never);
  put.mockImplementation((async (_: string, { params, body }: { params: { header: Record<string, string> }; body: Preferences }) => {
    if (version === 7) {
      version = 8;
      kept = { language: 'ja' };
    }
    if (params.header['If-Match'] !== `"${version}"`) return { error: {}, response: new Response(null, { status: 412 }) };
    kept = body;
    return { data: body, response: new Response() };
  }) as never);
  await savePreferences({ theme: 'dark' });
  expect(kept).toEqual({ language: 'ja', theme: 'dark' });
  expect(put).toHaveBeenCalledTimes(2);
});
