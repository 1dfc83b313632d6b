import { describe, expect, it } from 'vitest';
import { adopt } from './adopt';
import { dialects, type Message } from './conversation';
import { codecs } from './dialects';

const messages: Message[] = [
  { role: 'user', content: [{ type: 'text', text: 'Look' }, { type: 'image', media_type: 'image/png', data: 'AAAA' }] },
  { role: 'assistant', content: [{ type: 'text', text: 'Wait.' }, { type: 'tool_call', id: 't1', name: 'weather', arguments: '{"city":"Rome"}' }] },
  { role: 'tool', content: [{ type: 'tool_result', call_id: 't1', content: [{ type: 'text', text: 'wet' }], is_error: false }] },
  { role: 'assistant', content: [{ type: 'text', text: 'It rains.' }] }
];

describe.each(dialects)('a request of %s', (dialect) => {
  it('goes on as the conversation that it was', () => {
    const tool = { name: 'weather', description: 'w', parameters: { type: 'object' } };
    const { body } = codecs[dialect].request({ model: 'm', system: 'Be kind.', messages, tools: [tool], params: {}, stream: false });
    const adopted = adopt(dialect, body);
    expect(adopted.system).toBe('Be kind.');
    expect(adopted.tools).toEqual([tool]);
    const named = adopted.messages.map((message) => ({ ...message, content: message.content.map((part) => (part.type === 'tool_result' ? { ...part, name: undefined } : part)) }));
    expect(named).toEqual(messages.map((message) => ({ ...message, content: message.content.map((part) => (part.type === 'tool_result' ? { ...part, name: undefined } : part)) })));
  });
});
