import { toast } from 'svelte-sonner';
import { expect, it, vi } from 'vitest';
import { api, type Schemas } from '$lib/api/client';
import { UserActions } from './user-actions.svelte';

vi.mock('$lib/session/session.svelte', () => ({ who: () => null, bearer: async () => '', renew: async () => false }));

it('undoes the version that the hub made', async () => {
  const told = vi.spyOn(toast, 'success').mockReturnValue(0);
  const asked: unknown[] = [];
  vi.spyOn(api, 'PUT').mockImplementation((async (_: string, { params, body }: { params: { header: Record<string, string> }; body: { enabled: boolean } }) => {
    asked.push([params.header['If-Match'], body.enabled]);
    return { data: { ...person, ...body, version: 12 }, response: new Response() };
  }) as never);
  const person = { id: 'u', email: 'ada@example.test', name: 'Ada', role: 'member', enabled: true, version: 3 } as Schemas['Person'];
  const seen: boolean[] = [];
  await new UserActions((changed) => void seen.push(changed.enabled)).toggle(person);
  const undo = told.mock.lastCall?.[1]?.action as { onClick: () => void } | undefined;
  undo?.onClick();
  await vi.waitFor(() => expect(seen).toEqual([false, true]));
  expect(asked).toEqual([
    ['"3"', false],
    ['"12"', true]
  ]);
});
