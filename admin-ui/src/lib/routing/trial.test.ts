import { describe, expect, it } from 'vitest';
import { callOf, headersOf, trialOf, type Draft } from './trial';

const draft: Draft = { dialect: 'openai-chat', body: '{"model":"m"}', model: '', headers: '', clientKey: '', strict: false };

describe('a trial', () => {
  it('reads headers by line and tells those that are none', () => {
    expect(headersOf('X-Team: blue\n\nbad line\nAccept:')).toEqual({ headers: { 'x-team': 'blue', accept: '' }, wrong: ['bad line'] });
  });

  it('is asked once it is whole', () => {
    expect(trialOf({ ...draft, body: '{"model":' })).toBeNull();
    expect(trialOf({ ...draft, body: '[]' })).toBeNull();
    expect(trialOf({ ...draft, headers: 'oops' })).toBeNull();
    expect(trialOf({ ...draft, model: ' x ', clientKey: 'ci' })).toEqual({ dialect: 'openai-chat', request: { model: 'm' }, headers: {}, strict: false, model: 'x', client_key: 'ci' });
  });

  it('is sent as it was tried', () => {
    expect(callOf({ ...draft, model: 'other', strict: true, headers: 'x-a: 1' }, 'other')).toEqual({
      path: '/v1/chat/completions',
      headers: { 'x-a': '1', 'x-bridge-strict': 'true' },
      body: '{"model":"other"}'
    });
    expect(callOf({ ...draft, dialect: 'gemini', body: '{"contents":[]}' }, 'a/b').path).toBe('/v1beta/models/a/b:generateContent');
  });
});
