import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { dialects } from './conversation';
import { codecs } from './dialects';
import { curl, python, snippet } from './snippets';

const turn = { model: 'a/b', system: "it's", messages: [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'say "hi"' }] }], tools: [], params: {}, stream: true };

describe('snippets', () => {
  it('survive the shell', () => {
    const nasty = `it's "$HOME" \`x\` \\ \n {}`;
    const command = curl('http://hub', '/v1', {}, nasty).replace(/^curl/, "printf '%s|'");
    expect(execFileSync('sh', ['-c', command]).toString()).toContain(`|-d|${nasty}|`);
  });

  it('are Python that Python reads', () => {
    const value = { a: [1, null, true, { b: 'x"y\n' }], c: {}, d: [] };
    const read = execFileSync('python3', ['-c', `import json; print(json.dumps(${python(value)}))`]).toString();
    expect(JSON.parse(read)).toEqual(value);
  });

  it.each(dialects)('of %s never hold a key', (dialect) => {
    const call = codecs[dialect].request(turn);
    for (const language of ['curl', 'python', 'typescript'] as const) {
      const code = snippet(language, dialect, 'http://hub', call);
      expect(code).toContain('LLM_BRIDGE_KEY');
      expect(code).toContain('http://hub');
      expect(code).not.toMatch(/sk-/);
    }
    expect(curl('http://hub', call.path, call.headers, JSON.stringify(call.body))).toContain('curl -N ');
  });
});
