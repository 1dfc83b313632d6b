/** The limits of a key as a form has them, and back. An empty field is no limit; a list is written with commas. */
import type { Schemas } from '$lib/api/client';

type Limits = Schemas['Limits'];

export const dialects = ['openai', 'openai-responses', 'anthropic', 'gemini'] as const;

export interface Draft {
  models: string;
  providers: string;
  dialects: string[];
  may_pin: boolean;
  rpm: string | number | null;
  tpm: string | number | null;
  max_concurrency: string | number | null;
  budget_day: string;
  budget_month: string;
}

export function draftOf(limits: Partial<Limits> | null | undefined): Draft {
  return {
    models: (limits?.allowed_models ?? []).join(', '),
    providers: (limits?.allowed_providers ?? []).join(', '),
    dialects: limits?.allowed_dialects ?? [],
    may_pin: limits?.may_pin ?? true,
    rpm: limits?.rpm ?? '',
    tpm: limits?.tpm ?? '',
    max_concurrency: limits?.max_concurrency ?? '',
    budget_day: limits?.budget_day ?? '',
    budget_month: limits?.budget_month ?? ''
  };
}

export function listOf(text: string): string[] {
  return [...new Set(text.split(/[,\s]+/).filter(Boolean))];
}

export function limitsOf(draft: Draft): Limits {
  const limits: Record<string, unknown> = {};
  const put = (name: string, value: unknown) => {
    if (value !== '' && value !== null && value !== undefined && !(Array.isArray(value) && !value.length)) limits[name] = value;
  };
  put('allowed_models', listOf(draft.models));
  put('allowed_providers', listOf(draft.providers));
  put('allowed_dialects', draft.dialects);
  if (!draft.may_pin) limits['may_pin'] = false;
  for (const name of ['rpm', 'tpm', 'max_concurrency'] as const) put(name, draft[name] === '' || draft[name] === null ? '' : Number(draft[name]));
  // Money stays text: what is typed is what is meant.
  put('budget_day', draft.budget_day.trim());
  put('budget_month', draft.budget_month.trim());
  return limits as Limits;
}
