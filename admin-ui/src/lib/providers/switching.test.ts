import { toast } from 'svelte-sonner';
import { beforeEach, expect, it, vi } from 'vitest';
import { api, type Schemas } from '$lib/api/client';
import { ProviderSwitches } from './switching';

vi.mock('$lib/session/session.svelte', () => ({ who: () => null, bearer: async () => '', renew: async () => false }));

/** The answers that are still out. */
let pending: (() => void)[] = [];
const told = vi.spyOn(toast, 'success').mockReturnValue(0);
const post = vi.spyOn(api, 'POST');
/** What was asked for, in its order. */
let asked: string[] = [];

async function answer() {
  pending.shift()?.();
  await new Promise((next) => setTimeout(next));
}

/** Presses what the newest message offers. */
function undo() {
  const action = told.mock.lastCall?.[1]?.action as { onClick: () => void } | undefined;
  expect(action).toBeDefined();
  action?.onClick();
}

beforeEach(() => {
  [pending, asked] = [[], []];
  told.mockClear();
  post.mockReset().mockImplementation(((path: string) => {
    asked.push(path.slice(path.lastIndexOf('/') + 1));
    const data = { name: 'a', enabled: path.endsWith('enable') } as Schemas['Provider'];
    return new Promise((done) => pending.push(() => done({ data, response: new Response() })));
  }) as never);
});

it('undoes once, however often that is pressed', async () => {
  let enabled: boolean | undefined = true;
  const switches = new ProviderSwitches((changed) => void (enabled = changed.enabled));
  void switches.choose('a', false);
  await answer();
  undo();
  undo();
  expect(asked).toEqual(['disable', 'enable']);
  await answer();
  expect(told.mock.lastCall?.[1]?.action, 'an undoing is not undone').toBeUndefined();
  expect([enabled, asked, switches.isBusy('a')]).toEqual([true, ['disable', 'enable'], false]);
});


it('does what was chosen while the undoing was under way', async () => {
  const switches = new ProviderSwitches(() => {});
  void switches.choose('a', false);
  await answer();
  undo();
  void switches.choose('a', false);
  await answer();
  await answer();
  expect(asked).toEqual(['disable', 'enable', 'disable']);
});

it('switches one while another is being switched', async () => {
  const switches = new ProviderSwitches(() => {});
  void switches.choose('a', false);
  void switches.choose('b', false);
  expect(post).toHaveBeenCalledTimes(2);
  await answer();
  await answer();
});
