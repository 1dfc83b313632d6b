import { describe, expect, it } from 'vitest';
import { Draft, lines, type Provider } from './draft.svelte';

const provider = {
  name: 'lab',
  api_format: 'openai',
  base_url: 'http://127.0.0.1:1/v1',
  enabled: true,
  priority: 100,
  timeout: 30,
  models: { big: ['a'], other: ['b'] },
  omit_params: ['seed'],
  source: 'database',
  secrets: { keys: ['sk-l...1111#877081'], headers: { 'X-Team': 'bl...#1' }, proxy: 'http://***' },
  lacks_key: false
} as unknown as Provider;

describe('a provider in a form', () => {
  it('is not changed by being shown', () => {
    const draft = new Draft(provider);
    expect(draft.changed).toBe(false);
    draft.numbers.timeout = '31';
    expect(draft.changed).toBe(true);
    draft.take(provider);
    expect(draft.changed).toBe(false);
  });

  it('sends no secret that was not touched', () => {
    const entry = new Draft(provider).entry() as unknown as Record<string, unknown>;
    expect(entry).not.toHaveProperty('keys');
    expect(entry).not.toHaveProperty('api_key');
    expect(entry).not.toHaveProperty('proxy');
    expect(entry['headers']).toEqual({ 'X-Team': null });
    expect(entry['timeout']).toBe(30);
    expect(entry['models']).toEqual({ big: ['a'], middle: [], small: [], other: ['b'] });
  });

  it('takes a proxy away when told to', () => {
    const draft = new Draft(provider);
    draft.proxy = null;
    expect(draft.entry().proxy).toBeNull();
    expect(draft.changed).toBe(true);
  });

  it('leaves out numbers that were emptied', () => {
    const draft = new Draft(provider);
    draft.numbers.timeout = '';
    expect(draft.entry()).not.toHaveProperty('timeout');
  });
});

it('reads lists by line and by comma', () => {
  expect(lines('a, b\n\n c ')).toEqual(['a', 'b', 'c']);
});
