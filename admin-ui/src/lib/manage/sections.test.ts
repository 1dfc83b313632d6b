import { describe, expect, it } from 'vitest';
import { arranged, kindOf, parsed } from './sections';

it('forgets no setting', () => {
  const groups = arranged([{ key: 'RETENTION_DAYS' }, { key: 'BRAND_NEW' }, { key: 'MODE' }]);
  expect(groups.map((group) => [group.section.id, group.settings.map((setting) => setting.key)])).toEqual([
    ['general', ['MODE']],
    ['retention', ['RETENTION_DAYS']],
    ['other', ['BRAND_NEW']]
  ]);
});

describe('how a setting is written', () => {
  it.each([
    [{ key: 'MODE', value: 'direct', default: 'transformer', choices: ['transformer', 'direct'] }, 'choice'],
    [{ key: 'MAX_TOKENS_LIMIT', value: null, default: null }, 'number'],
    [{ key: 'CIRCUIT_BREAKER', value: { a: 1 }, default: { a: 2 } }, 'object'],
    [{ key: 'BIG_MODEL', value: null, default: null }, 'text'],
    [{ key: 'X', value: false, default: true }, 'switch'],
    [{ key: 'X', value: ['a'], default: [] }, 'list']
  ])('%o as %s', (setting, kind) => {
    expect(kindOf(setting)).toBe(kind);
  });
});

it('reads what is typed, and an empty field as the default', () => {
  expect(parsed('number', '12')).toBe(12);
  expect(parsed('number', 0)).toBe(0);
  expect(parsed('number', '')).toBeNull();
  expect(parsed('text', '  a ')).toBe('a');
  expect(parsed('list', 'a, b\n')).toEqual(['a', 'b']);
});
