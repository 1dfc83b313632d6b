/** Presets: what they stand for, and what of it is not there any more. */
import type { Schemas } from '$lib/api/client';

export type Preset = Schemas['Preset'];
export type PresetEntry = Schemas['PresetEntry'];
export type Step = Schemas['SettingStep'];

export const roles = ['big', 'middle', 'small'] as const;
export type PresetRole = (typeof roles)[number];

/** What clients call the roles. */
export const families: Record<PresetRole, string> = { big: 'opus', middle: 'sonnet', small: 'haiku' };

export function modelOf(preset: Pick<Preset, 'big_model' | 'middle_model' | 'small_model'>, role: PresetRole): string {
  return role === 'big' ? preset.big_model : role === 'small' ? preset.small_model : (preset.middle_model ?? preset.big_model);
}

export type Absence = { kind: 'provider'; name: string } | { kind: 'model'; name: string } | null;

/** What is missing for a model to be served: its provider, or the model among those that the provider lists. */
export function absence(model: string, listed: Record<string, string[]>): Absence {
  const slash = model.indexOf('/');
  if (slash < 0) return Object.values(listed).some((models) => models.includes(model)) ? null : { kind: 'model', name: model };
  const provider = model.slice(0, slash);
  const models = listed[provider];
  if (!models) return { kind: 'provider', name: provider };
  // A provider without a list takes any name.
  return !models.length || models.includes(model.slice(slash + 1)) ? null : { kind: 'model', name: model };
}

/** The settings as they were before, to go back to: null is the default. */
export function before(steps: readonly Step[]): Record<string, string | null> {
  return Object.fromEntries(steps.map((step) => [step.key, step.before ?? null]));
}
