import { describe, expect, it } from 'vitest';
import { Library } from '$lib/json/library';
import { written } from '$lib/json/node';
import type { Dialect } from '$lib/chat/conversation';
import type { Loss, Row } from './align';

function align(kind: 'request' | 'response', left: [Dialect, unknown], right: [Dialect, unknown], losses: Loss[] = []) {
  const library = new Library();
  const open = (name: string, body: unknown) => library.open(name, typeof body === 'string' ? body : JSON.stringify(body)).stream;
  const streams = [open('left', left[1]), open('right', right[1])];
  return library.align({
    kind,
    left: { document: 'left', dialect: left[0], stream: streams[0] ?? false },
    right: { document: 'right', dialect: right[0], stream: streams[1] ?? false },
    losses,
    client: 'left'
  });
}

const brief = (rows: Row[]) =>
  rows.map((row) => `${row.mark} ${row.left ? written(row.left.path) : '-'} > ${row.right ? written(row.right.path) : '-'}`);

describe('requests', () => {
  const chat = {
    model: 'demo/x',
    top_p: 0.9,
    seed: 7,
    max_tokens: 50,
    stop: 'END',
    messages: [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Rain?' },
      { role: 'assistant', content: null, tool_calls: [{ id: 't', type: 'function', function: { name: 'weather', arguments: '{"city": "Rome"}' } }] },
      { role: 'tool', tool_call_id: 't', content: 'wet' }
    ],
    tools: [{ type: 'function', function: { name: 'weather', description: 'w', parameters: { type: 'object' } } }]
  };
  const anthropic = {
    model: 'x',
    max_tokens: 50,
    top_p: 0.9,
    stop_sequences: ['END'],
    system: [{ type: 'text', text: 'Be brief.' }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'Rain?' }] },
      { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'weather', input: { city: 'Rome' } }] },
      { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'wet' }] }] }
    ],
    tools: [{ name: 'weather', description: 'w', input_schema: { type: 'object' } }]
  };

  it('stand beside what they mean, whatever it is called', () => {
    const { rows, apart } = align('request', ['openai-chat', chat], ['anthropic', anthropic], [
      { code: 'dropped:seed', action: 'dropped', member: 'seed', detail: 'no such member' },
      { code: 'assumed:model', action: 'assumed', member: 'model', detail: 'unknown' },
      { code: 'dropped:elsewhere', action: 'dropped', member: 'elsewhere', detail: '' }
    ]);
    expect(brief(rows)).toEqual([
      'changed model > model',
      'same top_p > top_p',
      'lost seed > -',
      'same max_tokens > max_tokens',
      'renamed stop > stop_sequences',
      'renamed messages[0].content > system[0].text',
      'renamed messages[1].content > messages[0].content[0].text',
      'renamed messages[2].tool_calls[0] > messages[1].content[0]',
      'renamed messages[3] > messages[2].content[0]',
      'renamed tools[0] > tools[0]'
    ]);
    expect(rows.find((row) => row.concept === 'seed')?.losses).toHaveLength(1);
    expect(apart.map((loss) => loss.code)).toEqual(['dropped:elsewhere']);
  });

  it('have a place for what is new, behind what precedes it', () => {
    const longer = { ...anthropic, messages: [...anthropic.messages, { role: 'assistant', content: 'more' }] };
    const { rows, counts } = align('request', ['openai-chat', chat], ['anthropic', longer]);
    expect(counts.added).toBe(1);
    expect(brief(rows).findIndex((row) => row.startsWith('added'))).toBe(rows.length - 2);
  });

  it('of Gemini keep their settings in a place of their own', () => {
    const gemini = { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }], generationConfig: { maxOutputTokens: 50, topK: 3 } };
    const { rows } = align('request', ['gemini', gemini], ['openai-chat', { model: 'x', max_tokens: 50, messages: [{ role: 'user', content: 'Hi' }] }]);
    expect(brief(rows)).toEqual([
      'added - > model',
      'renamed generationConfig.maxOutputTokens > max_tokens',
      'lost generationConfig.topK > -',
      'renamed contents[0].parts[0].text > messages[0].content'
    ]);
  });
});

describe('answers', () => {
  const whole = { id: 'msg_1', model: 'x', content: [{ type: 'text', text: 'Wet.' }], stop_reason: 'end_turn', usage: { input_tokens: 6, cache_read_input_tokens: 4, output_tokens: 2 } };

  it('are compared by meaning: endings and counts are spelled differently', () => {
    const chat = { id: 'c', model: 'x', choices: [{ index: 0, message: { role: 'assistant', content: 'Wet.' }, finish_reason: 'stop' }], usage: { prompt_tokens: 10, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } } };
    const marks = Object.fromEntries(align('response', ['anthropic', whole], ['openai-chat', chat]).rows.map((row) => [row.concept, row.mark]));
    expect(marks).toMatchObject({ id: 'changed', model: 'same', ending: 'renamed', text: 'renamed', 'usage.input': 'renamed', 'usage.output': 'renamed' });
  });

  it('that were streamed are put together first', () => {
    const stream = ['{"id":"c","model":"x","choices":[{"delta":{"content":"We"}}]}', '{"choices":[{"delta":{"content":"t."},"finish_reason":"stop"}]}']
      .map((data) => `data: ${data}\n\n`)
      .join('');
    const { rows } = align('response', ['anthropic', whole], ['openai-chat', stream]);
    expect(rows.find((row) => row.concept === 'text')?.mark).toBe('same');
  });
});
