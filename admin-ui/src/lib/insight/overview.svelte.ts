/** What the dashboard asks for beside live traffic, again and again while somebody looks. */
import { api, type Schemas } from '$lib/api/client';
import { may } from '$lib/session/session.svelte';
import { startOfToday, type RangeName } from './range';
import type { TopGroup } from './Tops.svelte';

export class Overview {
  health = $state.raw<Schemas['Health'] | null>(null);
  system = $state.raw<Schemas['System'] | null>(null);
  keeping = $state.raw<Schemas['Keeping'] | null>(null);
  today = $state.raw<Schemas['RequestLine'] | null>(null);
  dialects = $state.raw<Schemas['RequestLine'][] | null>(null);
  tops = $state.raw<Schemas['RequestLine'][] | null>(null);
  /** Whether there ever was a request; null while nobody knows. */
  used = $state<boolean | null>(null);

  /** What changes by the second. */
  pulse = async (): Promise<void> => {
    if (!may('viewer')) return;
    const { data } = await quiet(api.GET('/api/health'));
    this.health = data ?? this.health;
  };

  /** What changes by the minute. */
  day = async (): Promise<void> => {
    const [today, system, keeping] = await Promise.all([
      quiet(api.GET('/api/stats/requests', { params: { query: { from: startOfToday() } } })),
      may('viewer') ? quiet(api.GET('/api/system')) : { data: undefined },
      may('viewer') ? quiet(api.GET('/api/logs/settings')) : { data: undefined }
    ]);
    this.today = today.data?.lines[0] ?? (today.data ? ({ cost_nano_usd: 0, unpriced: 0 } as Schemas['RequestLine']) : this.today);
    this.system = system.data ?? this.system;
    this.keeping = keeping.data ?? this.keeping;
    if (this.used !== true) {
      const { data } = await quiet(api.GET('/api/logs', { params: { query: { limit: 1 } } }));
      if (data) this.used = data.items.length > 0;
    }
  };

  range = async (range: RangeName): Promise<void> => {
    const { data } = await quiet(api.GET('/api/stats/requests', { params: { query: { range, group_by: 'dialects', limit: 16 } } }));
    this.dialects = data?.lines ?? this.dialects;
  };

  top = async (range: RangeName, group: TopGroup): Promise<void> => {
    const { data } = await quiet(api.GET('/api/stats/requests', { params: { query: { range, group_by: group, limit: 8 } } }));
    this.tops = data?.lines ?? this.tops;
  };
}

/** A refusal leaves what is shown; the next try follows. */
async function quiet<Data>(answer: Promise<{ data?: Data }>): Promise<{ data?: Data | undefined }> {
  return answer.catch(() => ({ data: undefined }));
}
