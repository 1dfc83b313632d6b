/** Anthropic Messages. */
import { at, count, list, member, parse, text, type Json, type JsonObject } from '$lib/json/value';
import { stateOf, type ImagePart, type Message, type Part, type Turn } from '../conversation';
import { argumentsOf, complaint, type Codec, type Piece } from './codec';

const DIALECT = 'anthropic';
/** The dialect demands a bound; this one is generous and every model takes it. */
const MOST_TOKENS = 8192;
const THINKING = { low: 2048, medium: 8192, high: 24_576 } as const;

function image(part: ImagePart): Json {
  if (part.url) return { type: 'image', source: { type: 'url', url: part.url } };
  return { type: 'image', source: { type: 'base64', media_type: part.media_type ?? 'image/png', data: part.data ?? '' } };
}

function block(part: Part): Json[] {
  switch (part.type) {
    case 'text':
      return part.text ? [{ type: 'text', text: part.text }] : [];
    case 'image':
      return [image(part)];
    case 'reasoning': {
      const redacted = stateOf(part, DIALECT, 'redacted');
      if (redacted) return [{ type: 'redacted_thinking', data: redacted }];
      const signature = stateOf(part, DIALECT, 'signature');
      return signature ? [{ type: 'thinking', thinking: part.text, signature }] : [];
    }
    case 'tool_call':
      return [{ type: 'tool_use', id: part.id, name: part.name, input: argumentsOf(part.arguments) }];
    case 'tool_result':
      return [{ type: 'tool_result', tool_use_id: part.call_id, content: part.content.flatMap(block), ...(part.is_error ? { is_error: true } : {}) }];
  }
}

/** Turns alternate: tool results are the user's words here. */
function turns(messages: readonly Message[]): Json[] {
  const turns: { role: 'user' | 'assistant'; content: Json[] }[] = [];
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'assistant' : 'user';
    const content = message.content.flatMap(block);
    if (!content.length) continue;
    const last = turns.at(-1);
    if (last?.role === role) last.content.push(...content);
    else turns.push({ role, content });
  }
  return turns as unknown as Json[];
}

function request({ model, system, messages, tools, params, stream }: Turn) {
  const thinking = params.effort ? THINKING[params.effort] : 0;
  const body: JsonObject = { model, max_tokens: Math.max(params.max_tokens ?? MOST_TOKENS, thinking ? thinking + 1024 : 0), messages: turns(messages) };
  if (system) body['system'] = system;
  if (tools.length) body['tools'] = tools.map((tool) => ({ name: tool.name, description: tool.description, input_schema: tool.parameters }));
  if (thinking) body['thinking'] = { type: 'enabled', budget_tokens: thinking };
  if (params.temperature !== undefined) body['temperature'] = params.temperature;
  if (params.top_p !== undefined) body['top_p'] = params.top_p;
  if (params.stop?.length) body['stop_sequences'] = params.stop;
  if (stream) body['stream'] = true;
  return { path: '/v1/messages', headers: { 'anthropic-version': '2023-06-01' }, body };
}

/** Counts come in two events, of which the later one is whole where it has them. */
class Counts {
  input = 0;
  cached = 0;
  written = 0;
  output = 0;
  reasoning = 0;

  take(usage: Json | undefined): Piece[] {
    if (!usage) return [];
    const take = (name: string, before: number) => (typeof member(usage, name) === 'number' ? count(member(usage, name)) : before);
    this.input = take('input_tokens', this.input);
    this.cached = take('cache_read_input_tokens', this.cached);
    this.written = take('cache_creation_input_tokens', this.written);
    this.output = take('output_tokens', this.output);
    this.reasoning = count(at(usage, 'output_tokens_details', 'thinking_tokens')) || this.reasoning;
    return [
      {
        type: 'usage',
        usage: {
          // Cached input is counted beside the rest here, and as a part of it everywhere else.
          input_tokens: this.input + this.cached + this.written,
          cached_tokens: this.cached,
          output_tokens: this.output,
          reasoning_tokens: this.reasoning
        }
      }
    ];
  }
}

/** A block as it begins, or whole. */
function began(block: Json | undefined, index: number): Piece[] {
  switch (text(member(block, 'type'))) {
    case 'text':
      return text(member(block, 'text')) ? [{ type: 'text', text: text(member(block, 'text')) }] : [];
    case 'thinking': {
      const signature = text(member(block, 'signature'));
      const thought = text(member(block, 'thinking'));
      return [
        ...(thought ? [{ type: 'reasoning', text: thought } satisfies Piece] : []),
        ...(signature ? [{ type: 'reasoning_state', kind: 'signature', value: signature } satisfies Piece] : [])
      ];
    }
    case 'redacted_thinking':
      return [{ type: 'reasoning_state', kind: 'redacted', value: text(member(block, 'data')), apart: true }];
    case 'tool_use': {
      const input = member(block, 'input');
      const whole = input && Object.keys(input).length ? JSON.stringify(input) : '';
      return [{ type: 'tool_call', index, id: text(member(block, 'id')), name: text(member(block, 'name')), ...(whole ? { arguments: whole } : {}) }];
    }
    default:
      return [];
  }
}

function grew(delta: Json | undefined, index: number): Piece[] {
  switch (text(member(delta, 'type'))) {
    case 'text_delta':
      return [{ type: 'text', text: text(member(delta, 'text')) }];
    case 'thinking_delta':
      return [{ type: 'reasoning', text: text(member(delta, 'thinking')) }];
    case 'signature_delta':
      return [{ type: 'reasoning_state', kind: 'signature', value: text(member(delta, 'signature')) }];
    case 'input_json_delta':
      return [{ type: 'tool_call', index, arguments: text(member(delta, 'partial_json')) }];
    default:
      return [];
  }
}

function stopped(reason: Json | undefined): Piece[] {
  return text(reason) ? [{ type: 'stop', reason: text(reason) }] : [];
}

export const anthropic: Codec = {
  dialect: DIALECT,
  name: 'Anthropic Messages',
  request,
  reader() {
    const counts = new Counts();
    return {
      read({ data }) {
        const event = parse(data);
        const index = count(member(event, 'index'));
        switch (text(member(event, 'type'))) {
          case 'message_start': {
            const message = member(event, 'message');
            const start: Piece = { type: 'start', id: text(member(message, 'id')), model: text(member(message, 'model')) };
            return [start, ...counts.take(member(message, 'usage'))];
          }
          case 'content_block_start':
            return began(member(event, 'content_block'), index);
          case 'content_block_delta':
            return grew(member(event, 'delta'), index);
          case 'message_delta':
            return [...stopped(at(event, 'delta', 'stop_reason')), ...counts.take(member(event, 'usage'))];
          case 'error':
            return [{ type: 'error', message: complaint(event, 'error') }];
          default:
            return [];
        }
      }
    };
  },
  whole: (answer) => {
    if (member(answer, 'error')) return [{ type: 'error', message: complaint(answer, 'error') }];
    return [
      { type: 'start', id: text(member(answer, 'id')), model: text(member(answer, 'model')) },
      ...list(member(answer, 'content')).flatMap(began),
      ...stopped(member(answer, 'stop_reason')),
      ...new Counts().take(member(answer, 'usage'))
    ];
  }
};
