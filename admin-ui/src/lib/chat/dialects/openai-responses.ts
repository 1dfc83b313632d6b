/** OpenAI Responses. Nothing is stored with the provider: the whole conversation goes along each time. */
import { at, count, list, member, parse, text, type Json, type JsonObject } from '$lib/json/value';
import { stateOf, type Message, type Part, type Turn } from '../conversation';
import { addressOf, complaint, type Codec, type Piece } from './codec';

const DIALECT = 'openai-responses';

function content(parts: readonly Part[], words: 'input_text' | 'output_text'): Json[] {
  return parts.flatMap((part): Json[] => {
    if (part.type === 'text') return [{ type: words, text: part.text }];
    if (part.type === 'image') return [{ type: 'input_image', image_url: addressOf(part) }];
    return [];
  });
}

function item(part: Part, role: Message['role']): Json[] {
  switch (part.type) {
    case 'reasoning': {
      const sealed = stateOf(part, DIALECT, 'encrypted');
      const summary = part.text ? [{ type: 'summary_text', text: part.text }] : [];
      return sealed ? [{ type: 'reasoning', summary, encrypted_content: sealed }] : [];
    }
    case 'tool_call':
      return [{ type: 'function_call', call_id: part.id, name: part.name, arguments: part.arguments || '{}' }];
    case 'tool_result': {
      const words = part.content.every((inner) => inner.type === 'text');
      const output = words ? part.content.map((inner) => (inner.type === 'text' ? inner.text : '')).join('\n') : content(part.content, 'input_text');
      return [{ type: 'function_call_output', call_id: part.call_id, output }];
    }
    default:
      return [{ type: 'message', role, content: content([part], role === 'assistant' ? 'output_text' : 'input_text') }];
  }
}

/** The items of a message; words and pictures that stand together are one of them. */
function items(message: Message): Json[] {
  if (message.role === 'assistant') return message.content.flatMap((part) => item(part, 'assistant'));
  const said = content(message.content, 'input_text');
  const results = message.content.filter((part) => part.type === 'tool_result').flatMap((part) => item(part, 'tool'));
  return [...results, ...(said.length ? [{ type: 'message', role: message.role, content: said }] : [])];
}

function request({ model, system, messages, tools, params, stream }: Turn) {
  const body: JsonObject = { model, input: messages.flatMap(items), store: false, include: ['reasoning.encrypted_content'] };
  if (system) body['instructions'] = system;
  if (tools.length) body['tools'] = tools.map((tool) => ({ type: 'function', ...tool, strict: false }));
  if (params.temperature !== undefined) body['temperature'] = params.temperature;
  if (params.top_p !== undefined) body['top_p'] = params.top_p;
  if (params.max_tokens !== undefined) body['max_output_tokens'] = params.max_tokens;
  if (params.effort) body['reasoning'] = { effort: params.effort, summary: 'auto' };
  if (stream) body['stream'] = true;
  return { path: '/v1/responses', headers: {}, body };
}

/** How a response ended, and what it cost. */
function ended(response: Json | undefined): Piece[] {
  const usage = member(response, 'usage');
  const pieces: Piece[] = [];
  const error = text(at(response, 'error', 'message'));
  if (error) pieces.push({ type: 'error', message: error });
  const status = text(member(response, 'status'));
  const reason = text(at(response, 'incomplete_details', 'reason')) || status;
  if (reason) pieces.push({ type: 'stop', reason });
  if (usage) {
    pieces.push({
      type: 'usage',
      usage: {
        input_tokens: count(member(usage, 'input_tokens')),
        cached_tokens: count(at(usage, 'input_tokens_details', 'cached_tokens')),
        output_tokens: count(member(usage, 'output_tokens')),
        reasoning_tokens: count(at(usage, 'output_tokens_details', 'reasoning_tokens'))
      }
    });
  }
  return pieces;
}

function sealed(item: Json | undefined, apart: boolean): Piece[] {
  const value = text(member(item, 'encrypted_content'));
  return value ? [{ type: 'reasoning_state', kind: 'encrypted', value, apart }] : [];
}

function wordsOf(part: Json): Piece[] {
  const words = text(member(part, 'text')) || text(member(part, 'refusal'));
  return words ? [{ type: 'text', text: words }] : [];
}

function output(item: Json, index: number): Piece[] {
  switch (text(member(item, 'type'))) {
    case 'message':
      return list(member(item, 'content')).flatMap(wordsOf);
    case 'reasoning': {
      const words = list(member(item, 'summary')).map((part) => text(member(part, 'text')));
      const thought = words.join('\n\n');
      return [...(thought ? [{ type: 'reasoning', text: thought } satisfies Piece] : []), ...sealed(item, !thought)];
    }
    case 'function_call':
      return [
        { type: 'tool_call', index, id: text(member(item, 'call_id')), name: text(member(item, 'name')), arguments: text(member(item, 'arguments')) }
      ];
    default:
      return [];
  }
}

function read(event: Json | undefined): Piece[] {
  const index = count(member(event, 'output_index'));
  const delta = text(member(event, 'delta'));
  const item = member(event, 'item');
  switch (text(member(event, 'type'))) {
    case 'response.created':
      return [{ type: 'start', id: text(at(event, 'response', 'id')), model: text(at(event, 'response', 'model')) }];
    case 'response.output_text.delta':
    case 'response.refusal.delta':
      return [{ type: 'text', text: delta }];
    case 'response.reasoning_summary_text.delta':
    case 'response.reasoning_text.delta':
      return [{ type: 'reasoning', text: delta }];
    case 'response.output_item.added':
      if (text(member(item, 'type')) !== 'function_call') return [];
      return [{ type: 'tool_call', index, id: text(member(item, 'call_id')), name: text(member(item, 'name')) }];
    case 'response.function_call_arguments.delta':
      return [{ type: 'tool_call', index, arguments: delta }];
    case 'response.output_item.done':
      return sealed(item, !list(member(item, 'summary')).length);
    case 'response.completed':
    case 'response.incomplete':
    case 'response.failed':
      return ended(member(event, 'response'));
    case 'error':
      return [{ type: 'error', message: text(member(event, 'message')) || complaint(event, 'error') }];
    default:
      return [];
  }
}

export const openaiResponses: Codec = {
  dialect: DIALECT,
  name: 'OpenAI Responses',
  request,
  reader: () => ({ read: ({ data }) => read(parse(data)) }),
  whole: (answer) => {
    if (member(answer, 'error') && !member(answer, 'output')) return [{ type: 'error', message: complaint(answer, 'error') }];
    return [
      { type: 'start', id: text(member(answer, 'id')), model: text(member(answer, 'model')) },
      ...list(member(answer, 'output')).flatMap(output),
      ...ended(answer)
    ];
  }
};
