/** Names of dialects where there is little room. Names of APIs are the same in all languages. */
const SHORT: Record<string, string> = { 'openai-chat': 'Chat', 'openai-responses': 'Responses', anthropic: 'Anthropic', gemini: 'Gemini' };

export function shortDialect(id: string): string {
  return SHORT[id] ?? id;
}
