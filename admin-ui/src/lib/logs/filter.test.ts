import { describe, expect, it } from 'vitest';
import { exportOf, filterOf, fits, paramsOf, queryOf, tailOf, type RequestRow } from './filter';

const row = {
  id: 'req_1',
  at: 1000,
  call: 'generate',
  ingress: 'anthropic',
  upstream: 'gemini',
  tags: ['ci'],
  provider: 'google',
  model_asked: 'sonnet',
  model_served: 'gemini-3',
  client_key: 'first key',
  stream: true,
  outcome: 'error',
  status: 429,
  error: 'Quota is gone',
  total_ms: 900,
  attempts: 1,
  fidelity: []
} as unknown as RequestRow;

describe('the filter', () => {
  it('comes back from the address as it went there', () => {
    const filter = { search: 'a b', outcome: 'error', status: '4', range: '24h' };
    expect(filterOf(paramsOf(filter))).toEqual(filter);
    expect(filterOf(new URLSearchParams('status=x&min_ms=&other=1'))).toEqual({});
    expect(queryOf(filter)).toEqual({ ...filter, status: 4 });
  });

  it('narrows an export as it narrows the list', () => {
    expect(exportOf({ model: 'm', route: 'r', min_ms: '5' }, 'csv')).toBe('/api/logs/export?model=m&route=r&min_ms=5&format=csv');
    expect(exportOf({}, 'jsonl')).toBe('/api/logs/export?format=jsonl');
    expect(tailOf({ outcome: 'error', model: 'm' })).toBe('/api/logs/tail?model=m&errors=true');
  });

  it.each([
    [{}, true],
    [{ outcome: 'error', status: '4' }, true],
    [{ status: '429' }, true],
    [{ status: '5' }, false],
    [{ model: 'gemini-3' }, true],
    [{ model: 'other' }, false],
    [{ tag: 'ci', min_ms: '800' }, true],
    [{ min_ms: '1000' }, false],
    [{ search: 'QUOTA' }, true],
    [{ search: 'nothing' }, false],
    [{ ingress: 'gemini' }, false],
    [{ to: '900' }, false]
  ])('%j fits the live tail: %s', (filter, wanted) => expect(fits(filter, row)).toBe(wanted));
});
