/**
 * The client key that this page speaks to `/v1` with, since sessions are not accepted there. It belongs to the person
 * who is logged in, lives for half a day, and is known to this tab alone.
 */
import { api, problemOf, type Problem } from '$lib/api/client';
import { who } from '$lib/session/session.svelte';

const STORED = 'bridge.playground';
const TAG = 'playground';
const LIFE = 12 * 3600_000;
/** What nobody used for so long is left over from a tab that is closed. */
const FORGOTTEN = 3600_000;

interface Held {
  key: string;
  ends: number;
  owner: string;
}

function held(): Held | null {
  try {
    const value = JSON.parse(sessionStorage.getItem(STORED) ?? 'null') as Held | null;
    return value && value.owner === who()?.id && value.ends > Date.now() + 60_000 ? value : null;
  } catch {
    return null;
  }
}

let making: Promise<string> | null = null;

/** The key was refused: the next call makes another. */
export function forgetKey(): void {
  sessionStorage.removeItem(STORED);
}

/** Refused by the server: the role, or what operators allow. */
export class KeyRefused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

/** The key; made when there is none. Throws `KeyRefused`. */
export function playgroundKey(): Promise<string> {
  const known = held();
  if (known) return Promise.resolve(known.key);
  making ??= make().finally(() => (making = null));
  return making;
}

async function make(): Promise<string> {
  const owner = who()?.id ?? '';
  await removeOld(owner);
  const ends = Date.now() + LIFE;
  const { data, error } = await api.POST('/api/api-keys', { body: { name: `Playground ${new Date().toISOString().slice(0, 16)}`, enabled: true, tags: [TAG], expires_at: ends } });
  if (!data) throw new KeyRefused(problemOf(error));
  sessionStorage.setItem(STORED, JSON.stringify({ key: data.key, ends, owner } satisfies Held));
  return data.key;
}

async function removeOld(owner: string): Promise<void> {
  const { data } = await api.GET('/api/api-keys', { params: { query: { search: 'Playground', owner_id: owner, limit: 100 } } });
  const now = Date.now();
  const old = (data?.items ?? []).filter(
    (key) =>
      key.owner_id === owner &&
      key.tags.includes(TAG) &&
      ((key.expires_at ?? 0) < now || Math.max(key.last_used_at ?? 0, key.created_at) < now - FORGOTTEN)
  );
  await Promise.all(old.map(({ id }) => api.DELETE('/api/api-keys/{id}', { params: { path: { id } } })));
}
