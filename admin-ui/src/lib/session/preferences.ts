/** What a person chose, kept with their account so that it follows them into other browsers. */
import { setMode } from 'mode-watcher';
import { api, type Schemas } from '$lib/api/client';
import { choose, languageOf } from '$lib/i18n/index.svelte';
import { who } from './session.svelte';

export type Preferences = Schemas['Preferences'];

let work: Promise<unknown> = Promise.resolve();

/** How often a change begins anew that another browser overtook. */
const TRIES = 5;

/**
 * Changes what the account keeps; says whether it is kept. The hub takes the whole, so one change waits for the other
 * and begins with what is kept by then; it begins anew where another browser was faster.
 */
export function keepPreferences(change: (kept: Preferences) => Preferences): Promise<boolean> {
  const done = work.then(async () => {
    for (let left = TRIES; left > 0; left--) {
      const { data, response: read } = await api.GET('/api/preferences');
      if (!data) return false;
      const params = { header: { 'If-Match': read.headers.get('etag') ?? undefined } };
      const { response } = await api.PUT('/api/preferences', { params, body: change(data) });
      if (response.status !== 412) return response.ok;
    }
    return false;
  });
  const isKept = done.catch(() => false);
  work = isKept;
  return isKept;
}

/** Keeps a choice; without a session, or before a made password is changed, it stays in this browser alone. */
export async function savePreferences(choice: Preferences): Promise<void> {
  const person = who();
  if (person && !person.must_change_password) await keepPreferences((kept) => ({ ...kept, ...choice }));
}

/** Takes over what the account keeps. What it does not keep stays as this browser has it. */
export async function applyPreferences(): Promise<void> {
  try {
    const { data } = await api.GET('/api/preferences');
    if (data?.theme) setMode(data.theme);
    const language = languageOf(data?.language);
    if (language) await choose(language);
  } catch {
    // Nobody is kept out for want of their colours.
  }
}
