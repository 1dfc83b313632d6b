import { expect, it } from 'vitest';
import { draftOf, limitsOf } from './limits';

const full = {
  allowed_models: ['gpt-*', 'claude-*'],
  allowed_providers: ['openai'],
  allowed_dialects: ['anthropic'],
  may_pin: false,
  rpm: 60,
  tpm: 100000,
  max_concurrency: 4,
  budget_day: '5.00',
  budget_month: '100.00'
};

it('comes back as it went in', () => {
  expect(limitsOf(draftOf(full))).toEqual(full);
});

it('says nothing where there is no limit', () => {
  expect(limitsOf(draftOf({}))).toEqual({});
  expect(limitsOf(draftOf(null))).toEqual({});
});

it('tells zero from nothing', () => {
  expect(limitsOf({ ...draftOf(null), rpm: 0 })).toEqual({ rpm: 0 });
});

it('reads lists with commas, spaces and repetitions', () => {
  expect(limitsOf({ ...draftOf(null), models: ' a-*, b  a-*,' }).allowed_models).toEqual(['a-*', 'b']);
});
