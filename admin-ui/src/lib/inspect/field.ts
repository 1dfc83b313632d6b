/** A field of a body, under the name that its meaning has in all dialects. */
import type { Path } from '$lib/json/node';
import type { Json } from '$lib/json/value';

export const groups = ['general', 'instructions', 'conversation', 'tools', 'answer', 'usage', 'rest'] as const;
export type Group = (typeof groups)[number];

export interface Field {
  group: Group;
  /** Fields of two dialects that mean the same have the same one. */
  concept: string;
  path: Path;
  value: Json | undefined;
  /** What is compared, where the value is spelled differently by dialect. */
  comparable?: Json | undefined;
  /** Who says it, in a conversation. */
  role?: string;
}

/** What to compare of a field. */
export function comparable(field: Field): Json | undefined {
  return field.comparable === undefined ? field.value : field.comparable;
}
