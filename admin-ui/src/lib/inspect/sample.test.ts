import { expect, it } from 'vitest';
import { dialects } from '$lib/chat/conversation';
import { dialectOf, sample } from './sample';

it.each(dialects)('a request of %s is known by its members', (dialect) => {
  expect(dialectOf(sample(dialect, 'm'))).toBe(dialect);
});

it('what is no request is none of them', () => expect(dialectOf({ hello: 1 })).toBeNull());
