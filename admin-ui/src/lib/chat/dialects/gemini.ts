/** Gemini generateContent. The model is in the path, and calls are paired with results by name and order. */
import { at, count, list, member, parse, text, type Json, type JsonObject } from '$lib/json/value';
import { stateOf, type Message, type Part, type Turn } from '../conversation';
import { argumentsOf, complaint, type Codec, type Piece } from './codec';

const DIALECT = 'gemini';
const BUDGET = { low: 2048, medium: 8192, high: 24_576 } as const;

function part(part: Part, names: ReadonlyMap<string, string>): Json[] {
  const signature = stateOf(part, DIALECT, 'signature');
  const signed = signature ? { thoughtSignature: signature } : {};
  switch (part.type) {
    case 'text':
      return part.text || signature ? [{ text: part.text, ...signed }] : [];
    case 'reasoning':
      return signature ? [{ text: part.text, thought: true, ...signed }] : [];
    case 'image':
      if (part.url) return [{ fileData: { fileUri: part.url, ...(part.media_type ? { mimeType: part.media_type } : {}) } }];
      return [{ inlineData: { mimeType: part.media_type ?? 'image/png', data: part.data ?? '' } }];
    case 'tool_call':
      return [{ functionCall: { id: part.id, name: part.name, args: argumentsOf(part.arguments) }, ...signed }];
    case 'tool_result': {
      const words = part.content.flatMap((inner) => (inner.type === 'text' ? [inner.text] : [])).join('\n');
      const value = parse(words);
      const response = typeof value === 'object' && value !== null && !Array.isArray(value) ? value : { [part.is_error ? 'error' : 'output']: words };
      return [{ functionResponse: { id: part.call_id, name: part.name ?? names.get(part.call_id) ?? '', response } }];
    }
  }
}

function contents(messages: readonly Message[]): Json[] {
  const names = new Map(
    messages.flatMap((message) => message.content.flatMap((part) => (part.type === 'tool_call' ? [[part.id, part.name] as const] : [])))
  );
  const contents: { role: string; parts: Json[] }[] = [];
  for (const message of messages) {
    const role = message.role === 'assistant' ? 'model' : 'user';
    const parts = message.content.flatMap((one) => part(one, names));
    if (!parts.length) continue;
    const last = contents.at(-1);
    if (last?.role === role) last.parts.push(...parts);
    else contents.push({ role, parts });
  }
  return contents as unknown as Json[];
}

function request({ model, system, messages, tools, params, stream }: Turn) {
  const body: JsonObject = { contents: contents(messages) };
  if (system) body['systemInstruction'] = { parts: [{ text: system }] };
  if (tools.length) {
    const declared = tools.map((tool) => ({ name: tool.name, description: tool.description, parametersJsonSchema: tool.parameters }));
    body['tools'] = [{ functionDeclarations: declared }];
  }
  const settings: JsonObject = {};
  if (params.temperature !== undefined) settings['temperature'] = params.temperature;
  if (params.top_p !== undefined) settings['topP'] = params.top_p;
  if (params.max_tokens !== undefined) settings['maxOutputTokens'] = params.max_tokens;
  if (params.stop?.length) settings['stopSequences'] = params.stop;
  if (params.effort) settings['thinkingConfig'] = { thinkingBudget: BUDGET[params.effort], includeThoughts: true };
  if (Object.keys(settings).length) body['generationConfig'] = settings;
  const name = model.split('/').map(encodeURIComponent).join('/');
  return { path: `/v1beta/models/${name}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`, headers: {}, body };
}

function spoken(part: Json, index: number): Piece[] {
  const signature = text(member(part, 'thoughtSignature'));
  const state = signature ? { state: { kind: 'signature', value: signature } } : {};
  const call = member(part, 'functionCall');
  if (call) {
    const id = text(member(call, 'id')) || `call_${index}`;
    return [{ type: 'tool_call', index, id, name: text(member(call, 'name')), arguments: JSON.stringify(member(call, 'args') ?? {}), ...state }];
  }
  const inline = member(part, 'inlineData');
  if (inline) return [{ type: 'image', media_type: text(member(inline, 'mimeType')), data: text(member(inline, 'data')) }];
  const words = text(member(part, 'text'));
  if (member(part, 'thought') === true) {
    return [
      ...(words ? [{ type: 'reasoning', text: words } satisfies Piece] : []),
      ...(signature ? [{ type: 'reasoning_state', kind: 'signature', value: signature } satisfies Piece] : [])
    ];
  }
  return words || signature ? [{ type: 'text', text: words, ...state }] : [];
}

function usageOf(usage: Json | undefined): Piece[] {
  if (!usage) return [];
  const reasoning = count(member(usage, 'thoughtsTokenCount'));
  return [
    {
      type: 'usage',
      usage: {
        input_tokens: count(member(usage, 'promptTokenCount')) + count(member(usage, 'toolUsePromptTokenCount')),
        cached_tokens: count(member(usage, 'cachedContentTokenCount')),
        output_tokens: count(member(usage, 'candidatesTokenCount')) + reasoning,
        reasoning_tokens: reasoning
      }
    }
  ];
}

/** Each event of a stream has the form of a whole answer; `calls` numbers the calls over all of them. */
function read(answer: Json | undefined, calls: { seen: number }): Piece[] {
  if (member(answer, 'error')) return [{ type: 'error', message: complaint(answer, 'error') }];
  const candidate = at(answer, 'candidates', 0);
  const reason = text(member(candidate, 'finishReason')) || text(at(answer, 'promptFeedback', 'blockReason'));
  const parts = list(at(candidate, 'content', 'parts')).flatMap((part) => spoken(part, member(part, 'functionCall') ? calls.seen++ : 0));
  return [...parts, ...(reason ? [{ type: 'stop', reason } satisfies Piece] : []), ...usageOf(member(answer, 'usageMetadata'))];
}

function start(answer: Json | undefined): Piece {
  return { type: 'start', id: text(member(answer, 'responseId')), model: text(member(answer, 'modelVersion')) };
}

export const gemini: Codec = {
  dialect: DIALECT,
  name: 'Gemini',
  request,
  reader() {
    const calls = { seen: 0 };
    let begun = false;
    return {
      read({ data }) {
        const answer = parse(data);
        const pieces = read(answer, calls);
        if (begun) return pieces;
        begun = true;
        return [start(answer), ...pieces];
      }
    };
  },
  whole: (answer) => [start(answer), ...read(answer, { seen: 0 })]
};
