/** The fields of an answer, whole or put together from a stream. */
import { Answer } from '$lib/chat/answer';
import type { Dialect } from '$lib/chat/conversation';
import { codecs } from '$lib/chat/dialects';
import { valueAt, type Path } from '$lib/json/node';
import { at, count, isObject, list, member, text, type Json } from '$lib/json/value';
import { anthropicBlocks, chatMessage, geminiPart, responsesItem } from './conversation';
import type { KeptEvent } from './events';
import type { Field } from './field';

/** How answers end, in one word for all dialects. */
const ENDINGS: Record<string, string> = {
  stop: 'stop',
  completed: 'stop',
  end_turn: 'stop',
  STOP: 'stop',
  stop_sequence: 'stop',
  tool_calls: 'stop',
  tool_use: 'stop',
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  MAX_TOKENS: 'length',
  content_filter: 'filtered',
  refusal: 'filtered',
  SAFETY: 'filtered'
};

const ENVELOPE: Record<Dialect, Record<string, Path>> = {
  'openai-chat': { id: ['id'], model: ['model'], ending: ['choices', 0, 'finish_reason'], time: ['created'] },
  'openai-responses': { id: ['id'], model: ['model'], ending: ['status'], time: ['created_at'] },
  anthropic: { id: ['id'], model: ['model'], ending: ['stop_reason'] },
  gemini: { id: ['responseId'], model: ['modelVersion'], ending: ['candidates', 0, 'finishReason'], time: ['createTime'] }
};

/** Members that are compared part by part. */
const APART = new Set(['choices', 'output', 'content', 'candidates', 'usage', 'usageMetadata', 'id', 'responseId', 'model', 'modelVersion', 'created', 'created_at', 'status', 'stop_reason']);

function said(dialect: Dialect, body: Json): Field[] {
  const fields = (() => {
    switch (dialect) {
      case 'openai-chat':
        return list(member(body, 'choices')).flatMap((choice, place) => chatMessage(member(choice, 'message'), ['choices', place, 'message']));
      case 'openai-responses':
        return list(member(body, 'output')).flatMap((item, place) => responsesItem(item, ['output', place]));
      case 'anthropic':
        return anthropicBlocks(member(body, 'content'), 'assistant', ['content']);
      case 'gemini':
        return list(member(body, 'candidates')).flatMap((candidate, place) =>
          list(at(candidate, 'content', 'parts')).flatMap((part, inner) => geminiPart(part, 'assistant', ['candidates', place, 'content', 'parts', inner]))
        );
    }
  })();
  return fields.map((field) => ({ ...field, group: 'answer' as const }));
}

/** Counts of tokens. Dialects include different things in them, which is made even for the comparison. */
function usage(dialect: Dialect, body: Json): Field[] {
  const root = dialect === 'gemini' ? 'usageMetadata' : 'usage';
  const counts = member(body, root);
  if (!isObject(counts)) return [];
  const number = (...path: string[]) => count(at(counts, ...path));
  const field = (concept: string, path: string[], even?: number): Field[] => {
    const value = valueAt(counts, path);
    if (value === undefined || value === null) return [];
    return [{ group: 'usage', concept, path: [root, ...path], value, ...(even === undefined ? {} : { comparable: even }) }];
  };
  switch (dialect) {
    case 'openai-chat':
      return [
        ...field('usage.input', ['prompt_tokens']),
        ...field('usage.cached', ['prompt_tokens_details', 'cached_tokens']),
        ...field('usage.output', ['completion_tokens']),
        ...field('usage.reasoning', ['completion_tokens_details', 'reasoning_tokens'])
      ];
    case 'openai-responses':
      return [
        ...field('usage.input', ['input_tokens']),
        ...field('usage.cached', ['input_tokens_details', 'cached_tokens']),
        ...field('usage.output', ['output_tokens']),
        ...field('usage.reasoning', ['output_tokens_details', 'reasoning_tokens'])
      ];
    case 'anthropic':
      return [
        ...field('usage.input', ['input_tokens'], number('input_tokens') + number('cache_read_input_tokens') + number('cache_creation_input_tokens')),
        ...field('usage.cached', ['cache_read_input_tokens']),
        ...field('usage.output', ['output_tokens']),
        ...field('usage.reasoning', ['output_tokens_details', 'thinking_tokens'])
      ];
    case 'gemini':
      return [
        ...field('usage.input', ['promptTokenCount'], number('promptTokenCount') + number('toolUsePromptTokenCount')),
        ...field('usage.cached', ['cachedContentTokenCount']),
        ...field('usage.output', ['candidatesTokenCount'], number('candidatesTokenCount') + number('thoughtsTokenCount')),
        ...field('usage.reasoning', ['thoughtsTokenCount'])
      ];
  }
}

/** All fields of an answer that came whole. */
export function responseFields(dialect: Dialect, body: Json): Field[] {
  const envelope = Object.entries(ENVELOPE[dialect]).flatMap(([concept, path]): Field[] => {
    const value = valueAt(body, path);
    if (value === undefined || value === null) return [];
    const even = concept === 'ending' ? { comparable: ENDINGS[text(value)] ?? text(value) } : {};
    return [{ group: 'general', concept, path, value, ...even }];
  });
  const rest = Object.entries(isObject(body) ? body : {})
    .filter(([name, value]) => !APART.has(name) && value !== null && value !== undefined)
    .map(([name, value]): Field => ({ group: 'rest', concept: name, path: [name], value }));
  return [...envelope, ...said(dialect, body), ...usage(dialect, body), ...rest];
}

/** Puts the events of a stream together into a document of its own. */
export function gathered(dialect: Dialect, events: readonly KeptEvent[]): Json {
  const answer = new Answer(dialect);
  const reader = codecs[dialect].reader();
  for (const event of events) {
    const data = typeof event.data === 'string' ? event.data : JSON.stringify(event.data);
    for (const piece of reader.read({ name: event.event, data })) answer.add(piece);
  }
  const { id, model, stop, usage, error } = answer;
  const content = answer.parts.filter((part) => !(part.type === 'reasoning' && !part.text));
  return { id, model, content, stop, ...(usage ? { usage } : {}), ...(error ? { error } : {}) } as unknown as Json;
}

/** The fields of a document that was gathered from a stream. */
export function gatheredFields(body: Json): Field[] {
  const envelope = (['id', 'model', 'error'] as const).flatMap((name): Field[] => {
    const value = member(body, name);
    return value ? [{ group: 'general', concept: name, path: [name], value }] : [];
  });
  const ending = text(member(body, 'stop'));
  const counts: [string, string][] = [
    ['usage.input', 'input_tokens'],
    ['usage.cached', 'cached_tokens'],
    ['usage.output', 'output_tokens'],
    ['usage.reasoning', 'reasoning_tokens']
  ];
  return [
    ...envelope,
    ...(ending ? [{ group: 'general', concept: 'ending', path: ['stop'], value: ending, comparable: ENDINGS[ending] ?? ending } satisfies Field] : []),
    ...list(member(body, 'content')).map((part, place): Field => {
      const kind = text(member(part, 'type'));
      const value = kind === 'tool_call' ? part : member(part, 'text');
      const given = text(member(part, 'arguments'));
      const even = kind === 'tool_call' ? { name: text(member(part, 'name')), arguments: safe(given) } : (value ?? null);
      return { group: 'answer', concept: kind, path: kind === 'tool_call' ? ['content', place] : ['content', place, 'text'], value, comparable: even, role: 'assistant' };
    }),
    ...counts.flatMap(([concept, name]): Field[] => {
      const value = at(body, 'usage', name);
      return value === undefined ? [] : [{ group: 'usage', concept, path: ['usage', name], value }];
    })
  ];
}

function safe(source: string): Json {
  try {
    return JSON.parse(source || '{}') as Json;
  } catch {
    return source;
  }
}
