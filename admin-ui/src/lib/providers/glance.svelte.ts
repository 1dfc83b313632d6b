/** How providers fare, for a list of them: two questions for all, however many there are. */
import { SvelteMap } from 'svelte/reactivity';
import { api, type Schemas } from '$lib/api/client';

const HOURS = 24;
const HOUR = 3_600_000;

export interface Traffic {
  /** Requests, an hour each. */
  values: number[];
  total: number;
}

/** The usual time to the first byte, over the models of a provider. */
export function latencyOf(health: Schemas['ProviderHealth'] | undefined): number | null {
  const times = Object.values(health?.latency_ms ?? {});
  return times.length ? times.reduce((sum, time) => sum + time, 0) / times.length : null;
}

export class Glance {
  health = new SvelteMap<string, Schemas['ProviderHealth']>();
  #traffic = new SvelteMap<string, Traffic>();

  reload = async (): Promise<void> => {
    const query = { range: `${HOURS}h`, step: 'hour', group_by: 'provider' as const, limit: 1000 };
    const [health, lines] = await Promise.all([api.GET('/api/health'), api.GET('/api/stats/requests', { params: { query } })]).catch(() => []);
    for (const one of health?.data?.providers ?? []) this.health.set(one.name, one);
    if (lines?.data) this.#take(lines.data);
  };

  /** The requests of the last day. */
  traffic(provider: string): Traffic {
    return this.#traffic.get(provider) ?? { values: [], total: 0 };
  }

  #take({ from, to, lines }: Schemas['RequestStatistics']): void {
    const length = Math.max(1, Math.ceil((to - from) / HOUR));
    const found = new Map<string, Traffic>();
    for (const line of lines) {
      const name = line.key[0];
      if (name === undefined || line.bucket == null) continue;
      const traffic = found.get(name) ?? { values: Array<number>(length).fill(0), total: 0 };
      found.set(name, traffic);
      const at = Math.floor((line.bucket - from) / HOUR);
      traffic.values[at] = (traffic.values[at] ?? 0) + line.requests;
      traffic.total += line.requests;
    }
    this.#traffic.clear();
    for (const [name, traffic] of found) this.#traffic.set(name, traffic);
  }
}
