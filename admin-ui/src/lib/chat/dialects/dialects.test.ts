import { describe, expect, it } from 'vitest';
import { at } from '$lib/json/value';
import { EventReader } from '$lib/live/events';
import { Answer } from '../answer';
import { dialects, type Dialect, type Message, type Turn } from '../conversation';
import { codecs } from '.';

const weather = { name: 'get_weather', description: 'The weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } };

function turn(messages: Message[], more: Partial<Turn> = {}): Turn {
  return { model: 'm/x', system: '', messages, tools: [], params: {}, stream: false, ...more };
}

function read(dialect: Dialect, stream: string): Answer {
  const answer = new Answer(dialect);
  const reader = codecs[dialect].reader();
  for (const event of new EventReader().read(stream)) for (const piece of reader.read(event)) answer.add(piece);
  return answer;
}

const lines = (...events: object[]) => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join('');

/** The same answer in the words of each dialect: a thought, a sentence, a call. */
const streams: Record<Dialect, string> = {
  'openai-chat':
    lines(
      { id: 'c1', model: 'm', choices: [{ index: 0, delta: { role: 'assistant', content: '' } }] },
      { choices: [{ index: 0, delta: { reasoning_content: 'Let me ' } }] },
      { choices: [{ index: 0, delta: { reasoning_content: 'see.', reasoning_details: [{ type: 'hub.state', data: 'S' }] } }] },
      { choices: [{ index: 0, delta: { content: 'It ' } }] },
      { choices: [{ index: 0, delta: { content: 'rains.' } }] },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: 't1', function: { name: 'get_weather', arguments: '' } }] } }] },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"city":' } }] } }] },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '"Rome"}' } }] } }] },
      { choices: [{ index: 0, delta: {}, finish_reason: 'tool_calls' }] },
      { choices: [], usage: { prompt_tokens: 12, completion_tokens: 7, prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 3 } } }
    ) + 'data: [DONE]\n\n',
  'openai-responses': lines(
    { type: 'response.created', response: { id: 'c1', model: 'm' } },
    { type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'Let me ' },
    { type: 'response.reasoning_summary_text.delta', output_index: 0, delta: 'see.' },
    { type: 'response.output_item.done', output_index: 0, item: { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Let me see.' }], encrypted_content: 'S' } },
    { type: 'response.output_text.delta', output_index: 1, delta: 'It rains.' },
    { type: 'response.output_item.added', output_index: 2, item: { type: 'function_call', call_id: 't1', name: 'get_weather', arguments: '' } },
    { type: 'response.function_call_arguments.delta', output_index: 2, delta: '{"city":"Rome"}' },
    { type: 'response.completed', response: { status: 'completed', usage: { input_tokens: 12, output_tokens: 7, input_tokens_details: { cached_tokens: 4 }, output_tokens_details: { reasoning_tokens: 3 } } } }
  ),
  anthropic: lines(
    { type: 'message_start', message: { id: 'c1', model: 'm', usage: { input_tokens: 8, cache_read_input_tokens: 4, output_tokens: 1 } } },
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: 'Let me see.' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'S' } },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'It rains.' } },
    { type: 'content_block_start', index: 2, content_block: { type: 'tool_use', id: 't1', name: 'get_weather', input: {} } },
    { type: 'content_block_delta', index: 2, delta: { type: 'input_json_delta', partial_json: '{"city":"Rome"}' } },
    { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 7, output_tokens_details: { thinking_tokens: 3 } } },
    { type: 'message_stop' }
  ),
  gemini: lines(
    { responseId: 'c1', modelVersion: 'm', candidates: [{ content: { parts: [{ text: 'Let me ', thought: true }] } }] },
    { candidates: [{ content: { parts: [{ text: 'see.', thought: true, thoughtSignature: 'S' }] } }] },
    { candidates: [{ content: { parts: [{ text: 'It rains.' }] } }] },
    {
      candidates: [{ content: { parts: [{ functionCall: { id: 't1', name: 'get_weather', args: { city: 'Rome' } } }] }, finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 12, cachedContentTokenCount: 4, candidatesTokenCount: 4, thoughtsTokenCount: 3 }
    }
  )
};

describe.each(dialects)('%s', (dialect) => {
  it('reads a stream into the same parts as any other', () => {
    const answer = read(dialect, streams[dialect]);
    expect([answer.id, answer.model]).toEqual(['c1', 'm']);
    expect(answer.parts.map((part) => part.type)).toEqual(['reasoning', 'text', 'tool_call']);
    const [thought, words, call] = answer.parts;
    expect(thought).toMatchObject({ text: 'Let me see.' });
    expect(words).toMatchObject({ text: 'It rains.' });
    expect(call).toMatchObject({ id: 't1', name: 'get_weather', arguments: '{"city":"Rome"}' });
    expect(answer.usage).toEqual({ input_tokens: 12, cached_tokens: 4, output_tokens: 7, reasoning_tokens: 3 });
    expect(answer.stop).not.toBe('');
    expect(answer.error).toBe('');
  });

  it('sends the state back that it was given, and to no other dialect', () => {
    const { parts } = read(dialect, streams[dialect]);
    const said: Message[] = [
      { role: 'user', content: [{ type: 'text', text: 'Rain?' }] },
      { role: 'assistant', content: parts },
      { role: 'tool', content: [{ type: 'tool_result', call_id: 't1', content: [{ type: 'text', text: 'wet' }], is_error: false }] }
    ];
    for (const other of dialects) {
      const body = JSON.stringify(codecs[other].request(turn(said)).body);
      expect(body.includes('"S"'), other).toBe(other === dialect);
      expect(body).toContain('wet');
      expect(body).toContain('get_weather');
    }
  });

  it('asks with everything that is set', () => {
    const asked = turn(
      [{ role: 'user', content: [{ type: 'text', text: 'Look' }, { type: 'image', media_type: 'image/png', data: 'AAAA' }] }],
      { system: 'Be kind.', tools: [weather], params: { temperature: 0.5, top_p: 0.9, max_tokens: 50, stop: ['END'], effort: 'low' }, stream: true }
    );
    const { path, body } = codecs[dialect].request(asked);
    const written = JSON.stringify(body);
    for (const wanted of ['Be kind.', 'AAAA', 'get_weather', '0.5', '0.9']) expect(written, wanted).toContain(wanted);
    expect(path.startsWith(dialect === 'gemini' ? '/v1beta/models/m/x:streamGenerateContent' : '/v1/')).toBe(true);
    if (dialect !== 'gemini') expect(at(body, 'stream')).toBe(true);
  });

  it('tells an error of a stream and of a whole answer', () => {
    const failed = dialect === 'openai-responses' ? { type: 'error', message: 'broken' } : { type: 'error', error: { message: 'broken' } };
    expect(read(dialect, lines(failed)).error).toBe('broken');
    const answer = new Answer(dialect);
    codecs[dialect].whole({ error: { message: 'refused' } }).forEach((piece) => answer.add(piece));
    expect(answer.error).toBe('refused');
  });
});
