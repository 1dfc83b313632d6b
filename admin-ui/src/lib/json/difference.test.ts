import { expect, it } from 'vitest';
import { changesOf, shown } from './difference';

it('tells only what changed', () => {
  expect(changesOf({ a: 1, b: { c: 2, d: 3 } }, { a: 1, b: { c: 2, d: 4 } })).toEqual([{ path: 'b.d', before: 3, after: 4 }]);
});

it('takes absent and null for the same', () => {
  expect(changesOf({ a: null }, {})).toEqual([]);
  expect(changesOf(null, undefined)).toEqual([]);
});

it('tells what is made and what is removed member by member', () => {
  expect(changesOf(null, { name: 'x', limits: {} })).toEqual([{ path: 'name', before: undefined, after: 'x' }]);
  expect(changesOf({ name: 'x' }, null)).toEqual([{ path: 'name', before: 'x', after: undefined }]);
});

it('keeps lists of words whole and walks lists of things', () => {
  expect(changesOf({ tags: ['a'] }, { tags: ['a', 'b'] })).toEqual([{ path: 'tags', before: ['a'], after: ['a', 'b'] }]);
  expect(changesOf({ targets: [{ p: 1 }] }, { targets: [{ p: 2 }] })).toEqual([{ path: 'targets[0].p', before: 1, after: 2 }]);
});

it('tells what differs at the deepest place that does, in a rule as in a setting', () => {
  const before = { name: 'a', match: { model: ['x'] }, targets: [{ provider: 'p', weight: 1 }], params: {} };
  const after = { name: 'a', match: { model: ['x', 'y'] }, targets: [{ provider: 'p', weight: 2 }, { provider: 'q' }] };
  expect(changesOf(before, after).map(({ path, before, after }) => [path, before, after])).toEqual([
    ['match.model', ['x'], ['x', 'y']],
    ['targets[0].weight', 1, 2],
    ['targets[1].provider', undefined, 'q']
  ]);
});

it('tells an empty list from none: a key without a list of models may use all, one with an empty list none', () => {
  expect(changesOf({ models: null }, { models: [] })).toEqual([{ path: 'models', before: null, after: [] }]);
});

it('shows text bare and nothing as nothing', () => {
  expect([shown('a'), shown(5), shown(false), shown(null), shown(['x'])]).toEqual(['a', '5', 'false', '', '["x"]']);
});
