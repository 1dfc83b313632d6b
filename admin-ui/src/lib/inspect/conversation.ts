/**
 * A conversation as its smallest parts (a text, a picture, a call, a result), so that dialects which group them
 * differently can be compared.
 */
import type { Dialect } from '$lib/chat/conversation';
import type { Path } from '$lib/json/node';
import { at, isObject, list, member, parse, text, type Json } from '$lib/json/value';
import type { Field } from './field';

type Atom = 'text' | 'image' | 'reasoning' | 'tool_call' | 'tool_result' | 'other';

function atom(kind: Atom, role: string, path: Path, value: Json | undefined, comparable: Json | undefined): Field {
  const instructions = role === 'system' || role === 'developer';
  return {
    group: instructions ? 'instructions' : 'conversation',
    concept: instructions && kind === 'text' ? 'instructions' : kind,
    path,
    value,
    comparable,
    role
  };
}

/** A call by name and arguments, whether these are text or a value. */
function call(name: Json | undefined, given: Json | undefined): Json {
  return { name: text(name), arguments: (typeof given === 'string' ? (parse(given) ?? given) : given) ?? {} };
}

/** The words of a result, whatever holds them. */
function words(value: Json | undefined): Json {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map((part) => text(member(part, 'text'))).join('\n');
  const output = member(value, 'output') ?? member(value, 'result') ?? member(value, 'error');
  return typeof output === 'string' ? output : JSON.stringify(value ?? '');
}

/** The bytes or the address of a picture. */
function picture(address: string): Json {
  return address.replace(/^data:[^,]*;base64,/, '');
}

/** Texts, pictures and thoughts as lists of parts have them in the three dialects that type their parts. */
function typed(part: Json, role: string, path: Path): Field[] {
  const kind = text(member(part, 'type'));
  switch (kind) {
    case 'text':
    case 'input_text':
    case 'output_text':
    case 'refusal':
      return [atom('text', role, [...path, kind === 'refusal' ? 'refusal' : 'text'], member(part, 'text') ?? member(part, 'refusal'), text(member(part, 'text')) || text(member(part, 'refusal')))];
    case 'image_url':
      return [atom('image', role, path, part, picture(text(at(part, 'image_url', 'url'))))];
    case 'input_image':
      return [atom('image', role, path, part, picture(text(member(part, 'image_url'))))];
    case 'image':
      return [atom('image', role, path, part, text(at(part, 'source', 'data')) || text(at(part, 'source', 'url')))];
    case 'thinking':
      return [atom('reasoning', role, path, part, text(member(part, 'thinking')))];
    case 'redacted_thinking':
      return [atom('reasoning', role, path, part, '')];
    case 'tool_use':
      return [atom('tool_call', role, path, part, call(member(part, 'name'), member(part, 'input')))];
    case 'tool_result':
      return [atom('tool_result', 'tool', path, part, words(member(part, 'content')))];
    default:
      return [atom('other', role, path, part, part)];
  }
}

function content(value: Json | undefined, role: string, path: Path): Field[] {
  if (typeof value === 'string') return value === '' ? [] : [atom('text', role, path, value, value)];
  return list(value).flatMap((part, place) => (typeof part === 'string' ? [atom('text', role, [...path, place], part, part)] : typed(part, role, [...path, place])));
}

/** A message of OpenAI Chat. */
export function chatMessage(message: Json | undefined, path: Path): Field[] {
  const role = text(member(message, 'role'));
  if (role === 'tool') return [atom('tool_result', role, path, message, words(member(message, 'content')))];
  const thought = text(member(message, 'reasoning_content')) || text(member(message, 'reasoning'));
  const refusal = text(member(message, 'refusal'));
  return [
    ...(thought ? [atom('reasoning', role, [...path, 'reasoning_content'], thought, thought)] : []),
    ...content(member(message, 'content'), role, [...path, 'content']),
    ...(refusal ? [atom('text', role, [...path, 'refusal'], refusal, refusal)] : []),
    ...list(member(message, 'tool_calls')).map((one, place) =>
      atom('tool_call', role, [...path, 'tool_calls', place], one, call(at(one, 'function', 'name'), at(one, 'function', 'arguments')))
    )
  ];
}

/** An item of OpenAI Responses. */
export function responsesItem(item: Json, path: Path): Field[] {
  switch (text(member(item, 'type')) || 'message') {
    case 'message':
      return content(member(item, 'content'), text(member(item, 'role')), [...path, 'content']);
    case 'reasoning': {
      const thought = list(member(item, 'summary')).map((part) => text(member(part, 'text')));
      return [atom('reasoning', 'assistant', path, item, thought.join('\n\n'))];
    }
    case 'function_call':
      return [atom('tool_call', 'assistant', path, item, call(member(item, 'name'), member(item, 'arguments')))];
    case 'function_call_output':
      return [atom('tool_result', 'tool', path, item, words(member(item, 'output')))];
    default:
      return [atom('other', text(member(item, 'role')), path, item, item)];
  }
}

/** A part of Gemini. */
export function geminiPart(part: Json, role: string, path: Path): Field[] {
  const has = (name: string) => isObject(part) && part[name] !== undefined;
  if (has('functionCall')) return [atom('tool_call', role, path, part, call(at(part, 'functionCall', 'name'), at(part, 'functionCall', 'args')))];
  if (has('functionResponse')) return [atom('tool_result', 'tool', path, part, words(at(part, 'functionResponse', 'response')))];
  if (has('inlineData')) return [atom('image', role, path, part, text(at(part, 'inlineData', 'data')))];
  if (has('fileData')) return [atom('image', role, path, part, text(at(part, 'fileData', 'fileUri')))];
  const said = text(member(part, 'text'));
  if (member(part, 'thought') === true) return [atom('reasoning', role, path, part, said)];
  return has('text') ? [atom('text', role, [...path, 'text'], said, said)] : [atom('other', role, path, part, part)];
}

/** A block of Anthropic Messages. */
export function anthropicBlocks(value: Json | undefined, role: string, path: Path): Field[] {
  return content(value, role, path);
}

function geminiParts(content: Json | undefined, role: string, path: Path): Field[] {
  return list(member(content, 'parts')).flatMap((part, place) => geminiPart(part, role, [...path, 'parts', place]));
}

/** The conversation of a request, instructions first. */
export function conversationOf(dialect: Dialect, body: Json): Field[] {
  switch (dialect) {
    case 'openai-chat':
      return list(member(body, 'messages')).flatMap((message, place) => chatMessage(message, ['messages', place]));
    case 'openai-responses': {
      const input = member(body, 'input');
      return [
        ...content(member(body, 'instructions'), 'system', ['instructions']),
        ...(typeof input === 'string' ? content(input, 'user', ['input']) : list(input).flatMap((item, place) => responsesItem(item, ['input', place])))
      ];
    }
    case 'anthropic':
      return [
        ...content(member(body, 'system'), 'system', ['system']),
        ...list(member(body, 'messages')).flatMap((message, place) =>
          content(member(message, 'content'), text(member(message, 'role')), ['messages', place, 'content'])
        )
      ];
    case 'gemini':
      return [
        ...geminiParts(member(body, 'systemInstruction') ?? member(body, 'system_instruction'), 'system', ['systemInstruction']),
        ...list(member(body, 'contents')).flatMap((turn, place) => {
          const role = text(member(turn, 'role')) === 'model' ? 'assistant' : 'user';
          return geminiParts(turn, role, ['contents', place]);
        })
      ];
  }
}
