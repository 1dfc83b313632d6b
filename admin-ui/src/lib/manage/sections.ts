/** Where each setting stands on the page. A setting that this page does not know yet stands in the last section. */
import type { Key } from '$lib/i18n/index.svelte';

export interface Section {
  id: string;
  title: Key;
  keys: readonly string[];
}

export const sections: readonly Section[] = [
  { id: 'general', title: 'settings.section.general', keys: ['MODE', 'PREFERRED_PROVIDER', 'FALLBACK_STRATEGY'] },
  { id: 'models', title: 'settings.section.models', keys: ['BIG_MODEL', 'MIDDLE_MODEL', 'SMALL_MODEL'] },
  { id: 'limits', title: 'settings.section.limits', keys: ['MAX_TOKENS_LIMIT', 'MIN_TOKENS_LIMIT'] },
  { id: 'breaker', title: 'settings.section.breaker', keys: ['CIRCUIT_BREAKER'] },
  { id: 'privacy', title: 'settings.section.privacy', keys: ['CAPTURE', 'CAPTURE_RETENTION_DAYS', 'CAPTURE_MAX_BYTES'] },
  { id: 'retention', title: 'settings.section.retention', keys: ['RETENTION_DAYS'] }
];

const KNOWN = new Set(sections.flatMap((section) => section.keys));

/** The sections that have something, with their settings in order. */
export function arranged<Setting extends { key: string }>(settings: readonly Setting[]): { section: Section; settings: Setting[] }[] {
  const byKey = new Map(settings.map((setting) => [setting.key, setting]));
  const known = sections.map((section) => ({ section, settings: section.keys.flatMap((key) => byKey.get(key) ?? []) }));
  const rest = settings.filter((setting) => !KNOWN.has(setting.key));
  const other: Section = { id: 'other', title: 'settings.section.rest', keys: [] };
  return [...known, { section: other, settings: rest }].filter((group) => group.settings.length > 0);
}

export type Kind = 'choice' | 'switch' | 'number' | 'object' | 'list' | 'text';

/** How a setting is written. A value that is not set yet is known by its name. */
export function kindOf(setting: { key: string; value: unknown; default: unknown; choices?: readonly string[] | null }): Kind {
  const example = setting.value ?? setting.default;
  if (setting.choices?.length) return 'choice';
  if (typeof example === 'boolean') return 'switch';
  if (typeof example === 'number' || /_(LIMIT|DAYS|BYTES|SECONDS|COUNT|PORT)$/.test(setting.key)) return 'number';
  if (Array.isArray(example)) return 'list';
  return typeof example === 'object' && example !== null ? 'object' : 'text';
}

/** What is typed as the value it means; an empty field goes back to the default. */
export function parsed(kind: Kind, typed: unknown): unknown {
  if (typed === '' || typed === null || typed === undefined) return null;
  if (kind === 'number') return Number(typed);
  if (kind === 'list') return typeof typed === 'string' ? typed.split(/[,\n]+/).map((word) => word.trim()).filter(Boolean) : typed;
  return typeof typed === 'string' ? typed.trim() : typed;
}
