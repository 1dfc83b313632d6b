/** OpenAI Chat Completions. */
import { at, count, list, member, parse, text, type Json, type JsonObject } from '$lib/json/value';
import { partsOf, stateOf, wordsOf, type Message, type Part, type Turn, type Usage } from '../conversation';
import { addressOf, complaint, type Codec, type Piece } from './codec';

const DIALECT = 'openai-chat';

function content(parts: readonly Part[]): Json {
  const shown = parts.filter((part) => part.type === 'text' || part.type === 'image');
  if (shown.every((part) => part.type === 'text')) return shown.map((part) => part.text).join('\n\n');
  return shown.map((part) =>
    part.type === 'text' ? { type: 'text', text: part.text } : { type: 'image_url', image_url: { url: addressOf(part) } }
  );
}

function assistant(message: Message): JsonObject {
  const calls = partsOf(message, 'tool_call');
  const words = wordsOf(message);
  const reasoning = partsOf(message, 'reasoning');
  const thoughts = reasoning.map((part) => part.text).join('');
  const details = reasoning.flatMap((part) => list(parse(stateOf(part, DIALECT, 'details') ?? '')));
  return {
    role: 'assistant',
    content: words || (calls.length ? null : ''),
    ...(details.length ? { reasoning_content: thoughts, reasoning_details: details } : {}),
    ...(calls.length
      ? {
          tool_calls: calls.map((call) => {
            const extra = stateOf(call, DIALECT, 'extra');
            return {
              id: call.id,
              type: 'function',
              function: { name: call.name, arguments: call.arguments || '{}' },
              ...(extra ? { extra_content: parse(extra) ?? {} } : {})
            };
          })
        }
      : {})
  };
}

function messages(message: Message): Json[] {
  if (message.role === 'assistant') return [assistant(message)];
  const results = partsOf(message, 'tool_result').map((part) => ({ role: 'tool', tool_call_id: part.call_id, content: content(part.content) }));
  if (message.role === 'tool') return results;
  const said = content(message.content);
  return [...results, ...(said === '' ? [] : [{ role: message.role, content: said }])];
}

function request({ model, system, messages: said, tools, params, stream }: Turn) {
  const body: JsonObject = {
    model,
    messages: [...(system ? [{ role: 'system', content: system }] : []), ...said.flatMap(messages)]
  };
  if (tools.length) body['tools'] = tools.map((tool) => ({ type: 'function', function: { ...tool } }));
  if (params.temperature !== undefined) body['temperature'] = params.temperature;
  if (params.top_p !== undefined) body['top_p'] = params.top_p;
  if (params.max_tokens !== undefined) body['max_completion_tokens'] = params.max_tokens;
  if (params.stop?.length) body['stop'] = params.stop;
  if (params.effort) body['reasoning_effort'] = params.effort;
  if (stream) Object.assign(body, { stream: true, stream_options: { include_usage: true } });
  return { path: '/v1/chat/completions', headers: {}, body };
}

function usageOf(usage: Json | undefined): Piece[] {
  if (!member(usage, 'prompt_tokens') && !member(usage, 'completion_tokens')) return [];
  const counted: Usage = {
    input_tokens: count(member(usage, 'prompt_tokens')),
    cached_tokens: count(at(usage, 'prompt_tokens_details', 'cached_tokens')),
    output_tokens: count(member(usage, 'completion_tokens')),
    reasoning_tokens: count(at(usage, 'completion_tokens_details', 'reasoning_tokens'))
  };
  return [{ type: 'usage', usage: counted }];
}

/** A message and a delta have the same members. */
function spoken(message: Json | undefined): Piece[] {
  const pieces: Piece[] = [];
  const reasoning = text(member(message, 'reasoning_content')) || text(member(message, 'reasoning'));
  if (reasoning) pieces.push({ type: 'reasoning', text: reasoning });
  const details = list(member(message, 'reasoning_details'));
  if (details.length) pieces.push({ type: 'reasoning_state', kind: 'details', value: JSON.stringify(details) });
  const words = text(member(message, 'content')) || text(member(message, 'refusal'));
  if (words) pieces.push({ type: 'text', text: words });
  list(member(message, 'tool_calls')).forEach((call, place) => {
    const index = member(call, 'index');
    const extra = member(call, 'extra_content');
    const id = text(member(call, 'id'));
    const name = text(at(call, 'function', 'name'));
    pieces.push({
      type: 'tool_call',
      index: typeof index === 'number' ? index : place,
      ...(id ? { id } : {}),
      ...(name ? { name } : {}),
      arguments: text(at(call, 'function', 'arguments')),
      ...(extra ? { state: { kind: 'extra', value: JSON.stringify(extra) } } : {})
    });
  });
  return pieces;
}

function piecesOf(answer: Json | undefined, message: 'message' | 'delta'): Piece[] {
  if (member(answer, 'error')) return [{ type: 'error', message: complaint(answer, 'error') }];
  const choice = at(answer, 'choices', 0);
  const reason = text(member(choice, 'finish_reason'));
  return [
    ...spoken(member(choice, message)),
    ...(reason ? [{ type: 'stop', reason } satisfies Piece] : []),
    ...usageOf(member(answer, 'usage'))
  ];
}

function start(answer: Json | undefined): Piece {
  return { type: 'start', id: text(member(answer, 'id')), model: text(member(answer, 'model')) };
}

export const openaiChat: Codec = {
  dialect: DIALECT,
  name: 'OpenAI Chat',
  request,
  reader() {
    let begun = false;
    return {
      read({ data }) {
        if (data === '[DONE]') return [];
        const chunk = parse(data);
        const pieces = piecesOf(chunk, 'delta');
        if (begun) return pieces;
        begun = true;
        return [start(chunk), ...pieces];
      }
    };
  },
  whole: (answer) => [start(answer), ...piecesOf(answer, 'message')]
};
