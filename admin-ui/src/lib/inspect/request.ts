/** The fields of a request under the names that their meaning has in all dialects. */
import type { Dialect } from '$lib/chat/conversation';
import type { Path } from '$lib/json/node';
import { isObject, list, member, text, type Json } from '$lib/json/value';
import { conversationOf } from './conversation';
import type { Field } from './field';

/** What a member means, where dialects call it differently. Members that are not here mean what they are called. */
const MEANING: Record<Dialect, Record<string, string>> = {
  'openai-chat': {
    max_tokens: 'max_output',
    max_completion_tokens: 'max_output',
    response_format: 'format',
    reasoning_effort: 'reasoning',
    user: 'end_user',
    safety_identifier: 'end_user'
  },
  'openai-responses': {
    max_output_tokens: 'max_output',
    'text.format': 'format',
    'text.verbosity': 'verbosity',
    'reasoning.effort': 'reasoning',
    user: 'end_user',
    safety_identifier: 'end_user'
  },
  anthropic: {
    max_tokens: 'max_output',
    stop_sequences: 'stop',
    'output_config.format': 'format',
    'output_config.effort': 'reasoning',
    thinking: 'reasoning',
    'metadata.user_id': 'end_user'
  },
  gemini: {
    'generationConfig.maxOutputTokens': 'max_output',
    'generationConfig.stopSequences': 'stop',
    'generationConfig.temperature': 'temperature',
    'generationConfig.topP': 'top_p',
    'generationConfig.topK': 'top_k',
    'generationConfig.seed': 'seed',
    'generationConfig.frequencyPenalty': 'frequency_penalty',
    'generationConfig.presencePenalty': 'presence_penalty',
    'generationConfig.candidateCount': 'n',
    'generationConfig.responseLogprobs': 'logprobs',
    'generationConfig.logprobs': 'top_logprobs',
    'generationConfig.responseSchema': 'format',
    'generationConfig.responseJsonSchema': 'format',
    'generationConfig.thinkingConfig': 'reasoning',
    toolConfig: 'tool_choice',
    serviceTier: 'service_tier'
  }
};

/** Members whose own members are fields. */
const OPEN = new Set(['generationConfig', 'text', 'reasoning', 'output_config', 'metadata']);
/** Members that are compared part by part. */
const APART = new Set(['messages', 'input', 'instructions', 'system', 'contents', 'systemInstruction', 'system_instruction', 'tools', 'model']);

function plain(dialect: Dialect, body: Json, path: Path): Field[] {
  if (!isObject(body)) return [];
  return Object.entries(body).flatMap(([name, value]): Field[] => {
    const here = [...path, name];
    const written = here.join('.');
    if (!path.length && APART.has(name)) return [];
    if (!path.length && OPEN.has(name) && isObject(value)) return plain(dialect, value, here);
    return [{ group: 'general', concept: MEANING[dialect][written] ?? written, path: here, value, ...spelled(dialect, written, value) }];
  });
}

/** What is one thing in several spellings. */
function spelled(dialect: Dialect, name: string, value: Json | undefined): { comparable?: Json } {
  if (name === 'stop' && typeof value === 'string') return { comparable: [value] };
  if (name === 'tool_choice' || name === 'toolConfig') return { comparable: choice(dialect, value) };
  return {};
}

function choice(dialect: Dialect, value: Json | undefined): Json {
  const config = dialect === 'gemini' ? member(value, 'functionCallingConfig') : value;
  const word = text(config) || text(member(config, 'type')) || text(member(config, 'mode'));
  const meanings: Record<string, string> = { any: 'required', tool: 'one', function: 'one' };
  return meanings[word.toLowerCase()] ?? word.toLowerCase();
}

/** A definition by name: what it says of itself, and what it takes. */
function tool(definition: Json, path: Path): Field[] {
  const inner = member(definition, 'function') ?? definition;
  const declared = list(member(definition, 'functionDeclarations'));
  if (declared.length) return declared.flatMap((one, place) => tool(one, [...path, 'functionDeclarations', place]));
  const name = text(member(inner, 'name')) || text(member(inner, 'type')) || Object.keys(isObject(inner) ? inner : {})[0] || 'tool';
  const schema = member(inner, 'parameters') ?? member(inner, 'input_schema') ?? member(inner, 'parametersJsonSchema') ?? null;
  return [
    { group: 'tools', concept: `tool:${name}`, path, value: definition, comparable: { description: text(member(inner, 'description')), schema: schema } }
  ];
}

/** All fields of a request. */
export function requestFields(dialect: Dialect, body: Json): Field[] {
  const model = member(body, 'model');
  return [
    ...(model === undefined ? [] : [{ group: 'general', concept: 'model', path: ['model'], value: model } satisfies Field]),
    ...plain(dialect, body, []),
    ...conversationOf(dialect, body),
    ...list(member(body, 'tools')).flatMap((definition, place) => tool(definition, ['tools', place]))
  ];
}
