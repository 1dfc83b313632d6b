import { expect, it } from 'vitest';
import { absence, before, modelOf } from './preset';

it('tells what is missing', () => {
  const listed = { openai: ['gpt-5.5'], free: [] };
  expect(absence('openai/gpt-5.5', listed)).toBeNull();
  expect(absence('openai/o1-preview', listed)).toEqual({ kind: 'model', name: 'openai/o1-preview' });
  expect(absence('gemini/x', listed)).toEqual({ kind: 'provider', name: 'gemini' });
  expect(absence('free/whatever', listed)).toBeNull();
  expect(absence('gpt-5.5', listed)).toBeNull();
  expect(absence('gone', listed)).toEqual({ kind: 'model', name: 'gone' });
});

it('knows the way back, and that the middle is the big one unless it is named', () => {
  expect(before([{ key: 'BIG_MODEL', after: 'b' }, { key: 'SMALL_MODEL', before: 's', after: 't' }])).toEqual({ BIG_MODEL: null, SMALL_MODEL: 's' });
  expect(modelOf({ big_model: 'b', small_model: 's' }, 'middle')).toBe('b');
});
