/**
 * The keys of all pools as traffic leaves them, told by the hub as it happens. While paused the news is gathered but
 * not shown. How many calls a key had in the last minute is counted from what was seen.
 */
import type { Schemas } from '$lib/api/client';
import { follow } from '$lib/live/events';

export interface LiveKey extends Omit<Schemas['KeyChange'], 'pool'> {
  /** When it may be used again, in milliseconds since 1970. */
  until: number | null;
  /** Calls in the last minute, as far as this page has watched. */
  recent: number;
}

type Pool = ReadonlyMap<string, LiveKey>;

const WINDOW = 60_000;

export class LiveKeys {
  /** By pool and masked key; null until the first news. */
  pools = $state.raw<ReadonlyMap<string, Pool> | null>(null);
  connected = $state(false);
  paused = $state(false);
  #now = new Map<string, Map<string, LiveKey>>();
  #seen = new Map<string, { at: number; total: number }[]>();
  #fresh = true;
  #clock: () => number;

  constructor(clock: () => number = Date.now) {
    this.#clock = clock;
  }

  /** Follows until the returned function is called. */
  follow = (): (() => void) => {
    const end = follow('/api/key-pools/events', {
      onstate: (connected) => {
        this.connected = connected;
        if (connected) this.#fresh = true;
      },
      onevent: (event) => {
        if (event.name === 'keys') this.take((JSON.parse(event.data) as Schemas['KeyChanges']).keys);
      }
    });
    // Calls grow old without any news.
    const timer = setInterval(() => this.#age(), 5000);
    return () => {
      clearInterval(timer);
      end();
    };
  };

  /** Takes news in. The first of a connection has all keys. */
  take(changes: Schemas['KeyChange'][]): void {
    if (this.#fresh) this.#now.clear();
    this.#fresh = false;
    const at = this.#clock();
    for (const { pool, ...change } of changes) {
      const keys = this.#now.get(pool) ?? new Map<string, LiveKey>();
      this.#now.set(pool, keys);
      const until = change.cooling_seconds != null ? at + change.cooling_seconds * 1000 : null;
      const before = keys.get(change.key)?.until ?? null;
      // Seconds are told in whole ones: a small difference is the same moment.
      const steady = until !== null && before !== null && Math.abs(until - before) < 1500 ? before : until;
      keys.set(change.key, { ...change, until: steady, recent: this.#count(`${pool}\n${change.key}`, change.total, at) });
    }
    this.#show();
  }

  pause = (): void => {
    this.paused = true;
  };

  resume = (): void => {
    this.paused = false;
    this.#show();
  };

  #count(key: string, total: number, at: number): number {
    const seen = (this.#seen.get(key) ?? []).filter((sample) => at - sample.at <= WINDOW);
    seen.push({ at, total });
    this.#seen.set(key, seen);
    // A hub that started anew counts from nought.
    return Math.max(0, total - (seen[0]?.total ?? total));
  }

  #age(): void {
    const at = this.#clock();
    for (const [pool, keys] of this.#now) {
      for (const [name, key] of keys) {
        const recent = this.#count(`${pool}\n${name}`, key.total, at);
        if (recent !== key.recent) keys.set(name, { ...key, recent });
      }
    }
    this.#show();
  }

  #show(): void {
    if (this.paused) return;
    this.pools = new Map([...this.#now].map(([pool, keys]) => [pool, new Map(keys)]));
  }
}
