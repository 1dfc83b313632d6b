import { expect, it } from 'vitest';
import { written } from './node';
import { differences } from './diff';

const brief = (before: never, after: never) => differences(before, after).map(({ path, before, after }) => [written(path), before, after]);

it('tells what differs, at the deepest place that does', () => {
  const before = { name: 'a', match: { model: ['x'] }, targets: [{ provider: 'p', weight: 1 }], params: {} };
  const after = { name: 'a', match: { model: ['x', 'y'], tag: [] }, targets: [{ provider: 'p', weight: 2 }, { provider: 'q' }] };
  expect(brief(before as never, after as never)).toEqual([
    ['match.model', ['x'], ['x', 'y']],
    ['targets[0].weight', 1, 2],
    ['targets[1].provider', undefined, 'q']
  ]);
});

it('holds for nothing what is empty on both sides', () => {
  expect(differences({ a: null, b: [] }, { c: '' })).toEqual([]);
});
