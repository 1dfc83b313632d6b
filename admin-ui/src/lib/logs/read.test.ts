import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { api } from '$lib/api/client';
import { readRequest } from './read';

const get = vi.spyOn(api, 'GET');
const answer = (status: number) => ({ response: new Response(null, { status }), ...(status === 200 ? { data: {} } : { error: {} }) }) as never;

beforeEach(() => {
  vi.useFakeTimers();
  get.mockReset();
});
afterEach(() => void vi.useRealTimers());

it('waits for a request that was told and is not written yet', async () => {
  get.mockResolvedValueOnce(answer(404)).mockResolvedValueOnce(answer(404)).mockResolvedValue(answer(200));
  const read = readRequest('req_1');
  await vi.runAllTimersAsync();
  expect((await read).response.status).toBe(200);
  expect(get).toHaveBeenCalledTimes(3);
});

it('believes at last that there is none, and any other refusal at once', async () => {
  get.mockResolvedValue(answer(404));
  const read = readRequest('req_1');
  await vi.runAllTimersAsync();
  expect((await read).response.status).toBe(404);
  get.mockReset().mockResolvedValue(answer(403));
  expect((await readRequest('req_1')).response.status).toBe(403);
  expect(get).toHaveBeenCalledTimes(1);
});
