/** A small request in each dialect, to begin with: it has a setting that not every other dialect takes. */
import type { Dialect } from '$lib/chat/conversation';
import type { JsonObject } from '$lib/json/value';

export function sample(dialect: Dialect, model: string): JsonObject {
  switch (dialect) {
    case 'openai-chat':
      return { model, seed: 7, messages: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: 'Hello!' }] };
    case 'openai-responses':
      return { model, instructions: 'Be brief.', input: 'Hello!', truncation: 'auto' };
    case 'anthropic':
      return { model, max_tokens: 1024, top_k: 5, system: 'Be brief.', messages: [{ role: 'user', content: 'Hello!' }] };
    case 'gemini':
      return { systemInstruction: { parts: [{ text: 'Be brief.' }] }, contents: [{ role: 'user', parts: [{ text: 'Hello!' }] }], generationConfig: { topK: 5 } };
  }
}

/** Which dialect a pasted request is in, as far as its members tell. */
export function dialectOf(body: JsonObject): Dialect | null {
  if ('contents' in body) return 'gemini';
  if ('input' in body) return 'openai-responses';
  if (!Array.isArray(body['messages'])) return null;
  const written = JSON.stringify(body);
  const isAnthropic =
    'system' in body || 'stop_sequences' in body || 'thinking' in body || 'anthropic_version' in body || /"type":"(tool_use|tool_result)"|"input_schema"/.test(written);
  return isAnthropic ? 'anthropic' : 'openai-chat';
}
