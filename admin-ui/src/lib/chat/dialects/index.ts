/** The four dialects, by name. */
import type { Dialect } from '../conversation';
import { anthropic } from './anthropic';
import type { Codec } from './codec';
import { gemini } from './gemini';
import { openaiChat } from './openai-chat';
import { openaiResponses } from './openai-responses';

export const codecs: Record<Dialect, Codec> = {
  'openai-chat': openaiChat,
  'openai-responses': openaiResponses,
  anthropic,
  gemini
};
