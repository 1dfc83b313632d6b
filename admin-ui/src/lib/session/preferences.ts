/** What a person chose, kept with their account so that it follows them into other browsers. */
import { setMode } from 'mode-watcher';
import { api, type Schemas } from '$lib/api/client';
import { choose, languageOf } from '$lib/i18n/index.svelte';
import { who } from './session.svelte';

export type Preferences = Schemas['Preferences'];

let work: Promise<unknown> = Promise.resolve();

/**
 * Changes what the account keeps; says whether it is kept. The hub takes the whole, so one change waits for the other
 * and begins with what is kept by then.
 */
export function keepPreferences(change: (kept: Preferences) => Preferences): Promise<boolean> {
  const done = work.then(async () => {
    const { data } = await api.GET('/api/preferences');
    if (!data) return false;
    const { response } = await api.PUT('/api/preferences', { body: change(data) });
    return response.ok;
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
