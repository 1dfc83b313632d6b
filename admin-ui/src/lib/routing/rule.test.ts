import { describe, expect, it } from 'vitest';
import { draftOf, emptyDraft, entryOf, headerOf, isLast, paramsOf, writtenOf, type Route } from './rule';

const route = {
  name: 'r',
  enabled: true,
  priority: 10,
  match: {
    model: ['claude-*'],
    model_regex: ['^gpt'],
    keyword: ['hi'],
    header: { 'x-team': ['blue', 'red*'], 'x-flag': [] },
    client_key: ['ci'],
    tag: ['batch'],
    has: ['tools'],
    min_input_tokens: 5,
    max_input_tokens: 9,
    ingress: ['anthropic']
  },
  targets: [{ provider: 'p', model: 'm', weight: 3 }, { provider: 'q' }],
  strategy: 'weighted',
  mode: 'direct',
  key_pool: 'pool',
  params: { temperature: 0.2 },
  source: 'database',
  warnings: []
} as unknown as Route;

describe('a rule', () => {
  it('comes out of the form as it went in', () => {
    const { source: _source, warnings: _warnings, ...written } = route as unknown as Record<string, unknown>;
    expect(writtenOf(route)).toEqual(written);
  });

  it('leaves out what nobody filled in', () => {
    expect(entryOf({ ...emptyDraft(), name: ' x ', targets: [{ provider: 'p', model: '', weight: '' }, { provider: ' ', model: '', weight: '' }] })).toEqual({
      name: 'x',
      enabled: true,
      match: {},
      targets: [{ provider: 'p' }]
    });
  });

  it('reads headers, parameters and the place of demo rules', () => {
    expect(headerOf('X-A: 1, 2\nx-b\n')).toEqual({ 'x-a': ['1', '2'], 'x-b': [] });
    expect([paramsOf(''), paramsOf('[1]'), paramsOf('{"a":1}')]).toEqual([undefined, null, { a: 1 }]);
    expect([isLast(9007199254740991), isLast(9007199254740990)]).toEqual([true, false]);
    expect(draftOf(route).header).toBe('x-team: blue, red*\nx-flag');
  });
});
