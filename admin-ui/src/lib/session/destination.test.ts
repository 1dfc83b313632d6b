import { expect, it, vi } from 'vitest';
import { inside } from './destination';

vi.mock('$app/paths', () => ({ resolve: (path: string) => `/ui${path}` }));

it.each([
  [null, '/ui/'],
  ['/ui/logs?outcome=error', '/ui/logs?outcome=error'],
  ['//evil.example/ui/', '/ui/'],
  ['/\\evil.example', '/ui/'],
  ['https://evil.example/ui/', '/ui/'],
  ['javascript:alert(1)', '/ui/'],
  ['/ui/../api/config', '/ui/'],
  ['/ui/login?next=/ui/login', '/ui/']
])('%s leads to %s', (next, target) => {
  expect(inside(next)).toBe(target);
});
