import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { bearer, renew, who } from './session.svelte';

const person = { id: 'u1', email: 'ada@example.com', name: 'Ada', role: 'admin', must_change_password: false };
const grant = (token: string) => Response.json({ access_token: token, expires_in: 600, user: person });
const refused = (status: number) => Response.json({ code: 'x', detail: 'y' }, { status });
const call = vi.fn<() => Promise<Response>>();

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', call);
  call.mockReset();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it('stays inside where another tab was a moment quicker with the same cookie', async () => {
  call.mockResolvedValueOnce(refused(409)).mockResolvedValueOnce(refused(409)).mockResolvedValueOnce(grant('t1'));
  const both = Promise.all([renew(), renew()]);
  await vi.runAllTimersAsync();
  expect([await both, who()?.email, await bearer()]).toEqual([[true, true], 'ada@example.com', 't1']);
  expect(call, 'however many ask, one goes').toHaveBeenCalledTimes(3);
});

it('does not try for ever', async () => {
  call.mockImplementation(async () => refused(409));
  const renewed = renew();
  await vi.runAllTimersAsync();
  expect([await renewed, who()]).toEqual([false, null]);
});

it('is outside once the session has ended', async () => {
  call.mockResolvedValueOnce(grant('t2'));
  await renew();
  expect(who()?.id).toBe('u1');
  call.mockResolvedValueOnce(refused(401));
  expect([await renew(), who()]).toEqual([false, null]);
  expect(call).toHaveBeenCalledTimes(2);
});
