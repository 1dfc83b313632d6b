/** The dialects that a provider may speak, each by the name of its API. Names of APIs are the same in all languages. */
export const dialects = {
  'openai-chat': 'OpenAI Chat',
  'openai-responses': 'OpenAI Responses',
  anthropic: 'Anthropic Messages',
  gemini: 'Gemini'
} as const;

export type Dialect = keyof typeof dialects;

/** The name of a dialect; `openai` is the short form of the older one. */
export function dialectName(id: string | null | undefined): string {
  if (!id) return '—';
  return dialects[(id === 'openai' ? 'openai-chat' : id) as Dialect] ?? id;
}

/** For a choice. */
export const dialectOptions = Object.entries(dialects).map(([value, label]) => ({ value, label }));
