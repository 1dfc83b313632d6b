import { describe, expect, it } from 'vitest';
import { recipes } from './recipes';

const values = { base: 'https://hub.example', key: "sk-o'key $HOME", model: 'demo/model one' };

it('leaves Claude Code one credential', () => {
  const blocks = recipes.find((recipe) => recipe.id === 'claude-code')?.blocks(values) ?? [];
  expect(blocks.map((block) => block.code)).toEqual([
    expect.stringMatching(/^export ANTHROPIC_API_KEY=''$/m),
    expect.stringContaining('"ANTHROPIC_API_KEY": ""')
  ]);
});

describe.each(recipes.map((recipe) => [recipe.id, recipe] as const))('%s', (_, recipe) => {
  const text = recipe
    .blocks(values)
    .map((block) => block.code)
    .join('\n');

  it('names this hub, the key and the model', () => {
    expect(text).toContain(values.base);
    expect(text.replaceAll("'\\''", "'")).toContain(values.key);
    expect(text).toContain(values.model);
  });

  it('leaves nothing to the shell that it could expand', () => {
    for (const line of text.split('\n').filter((line) => line.startsWith('export '))) {
      const value = line.slice(line.indexOf('=') + 1);
      if (value.includes('$')) expect(value).toMatch(/^'.*'$/);
    }
  });

  it('has the version in the address where the dialect wants it', () => {
    const addresses = text.match(/https:\/\/hub\.example[^\s"',\\]*/g) ?? [];
    if (recipe.group === 'tools') return;
    const wantsVersion = recipe.dialect.startsWith('openai');
    expect(addresses.every((address) => address.endsWith('/v1') === wantsVersion)).toBe(true);
  });
});
