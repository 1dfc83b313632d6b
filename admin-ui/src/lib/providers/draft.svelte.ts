/**
 * A provider as a form holds it: numbers as the texts that were typed, lists as lines. It is made from what the
 * server sent, and becomes what the server takes; secrets that were not touched are not sent, so they stay.
 */
import type { Schemas } from '$lib/api/client';

export type Provider = Schemas['Provider'];
export type Entry = Schemas['ProviderEntry'];

/** A header of a form. */
export interface HeaderLine {
  name: string;
  /** What was typed; empty keeps the value that is there. */
  value: string;
  /** The masked value that is there. */
  mask: string;
}

const TEXTS = ['description', 'base_url', 'profile', 'api_version', 'key_pool', 'key_strategy', 'auth_header', 'auth_format', 'mode'] as const;
const NUMBERS = ['timeout', 'max_retries', 'max_tokens_limit', 'max_concurrency', 'max_concurrency_per_key', 'weight', 'priority'] as const;
type Text = (typeof TEXTS)[number];
type Numeral = (typeof NUMBERS)[number];

export class Draft {
  name = $state('');
  api_format = $state('openai-chat');
  texts = $state<Record<Text, string>>(blank(TEXTS));
  numbers = $state<Record<Numeral, string>>(blank(NUMBERS));
  enabled = $state(true);
  always_stream = $state(false);
  allow_private_network = $state(false);
  omit_params = $state('');
  models = $state<Required<Schemas['ProviderModels']>>({ big: [], middle: [], small: [], other: [] });
  headers = $state<HeaderLine[]>([]);
  /** The proxy that was typed; null takes the one that is there away, empty keeps it. */
  proxy = $state<string | null>('');
  #saved = $state('');

  constructor(provider?: Provider) {
    if (provider) this.take(provider);
    else this.#saved = this.#image();
  }

  /** Whether something was changed since it was taken. */
  get changed(): boolean {
    return this.#image() !== this.#saved;
  }

  /** Takes what the server has. */
  take(provider: Provider): void {
    this.name = provider.name;
    this.api_format = provider.api_format === 'openai' ? 'openai-chat' : (provider.api_format ?? 'openai-chat');
    for (const member of TEXTS) this.texts[member] = provider[member] ?? '';
    for (const member of NUMBERS) this.numbers[member] = provider[member]?.toString() ?? '';
    this.enabled = provider.enabled ?? true;
    this.always_stream = provider.always_stream ?? false;
    this.allow_private_network = provider.allow_private_network ?? false;
    this.omit_params = (provider.omit_params ?? []).join('\n');
    const { big = [], middle = [], small = [], other = [] } = provider.models ?? {};
    this.models = { big, middle, small, other };
    this.headers = Object.entries(provider.secrets.headers ?? {}).map(([name, mask]) => ({ name, value: '', mask }));
    this.proxy = '';
    this.#saved = this.#image();
  }

  /** What the server takes. */
  entry(): Entry {
    const entry: Record<string, unknown> = {
      name: this.name.trim(),
      api_format: this.api_format,
      enabled: this.enabled,
      always_stream: this.always_stream,
      allow_private_network: this.allow_private_network,
      omit_params: lines(this.omit_params),
      models: $state.snapshot(this.models),
      headers: Object.fromEntries(
        this.headers.filter((line) => line.name.trim()).map((line) => [line.name.trim(), line.value || (line.mask ? null : '')])
      )
    };
    for (const member of TEXTS) if (this.texts[member].trim()) entry[member] = this.texts[member].trim();
    for (const member of NUMBERS) {
      const text = String(this.numbers[member] ?? '').trim();
      if (text) entry[member] = Number(text);
    }
    if (this.proxy === null) entry['proxy'] = null;
    else if (this.proxy.trim()) entry['proxy'] = this.proxy.trim();
    return entry as unknown as Entry;
  }

  #image(): string {
    return JSON.stringify([this.entry(), this.headers]);
  }
}

function blank<Name extends string>(names: readonly Name[]): Record<Name, string> {
  return Object.fromEntries(names.map((name) => [name, ''])) as Record<Name, string>;
}

/** The lines of a text, or its parts between commas, without empty ones. */
export function lines(text: string): string[] {
  return text
    .split(/[\n,]/)
    .map((line) => line.trim())
    .filter(Boolean);
}
