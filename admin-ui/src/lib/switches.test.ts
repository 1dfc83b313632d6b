import { expect, it } from 'vitest';
import { Switches } from './switches';

/** A hub whose answers come when they are told to. */
function hub() {
  const switches = new Switches();
  const pending: (() => void)[] = [];
  const asked: string[] = [];
  const choose = (name: string, on: boolean) =>
    switches.choose(name, on, () => {
      asked.push(`${name} ${on ? 'on' : 'off'}`);
      return new Promise((answer) => pending.push(answer));
    });
  const answer = async () => {
    pending.shift()?.();
    await new Promise((next) => setTimeout(next));
  };
  return { switches, asked, choose, answer };
}

it('does nothing more for the same choice while it is being done', async () => {
  const { switches, asked, choose, answer } = hub();
  const both = [choose('a', false), choose('a', false)];
  expect([asked, switches.isBusy('a'), switches.isBusy('b')]).toEqual([['a off'], true, false]);
  await answer();
  await Promise.all(both);
  expect([asked, switches.isBusy('a')]).toEqual([['a off'], false]);
});

it('ends as it was chosen last', async () => {
  const { asked, choose, answer } = hub();
  const all = [choose('a', false), choose('a', true), choose('a', false), choose('a', true)];
  await answer();
  expect(asked).toEqual(['a off', 'a on']);
  await answer();
  await Promise.all(all);
  const back = [choose('a', false), choose('a', true), choose('a', false)];
  await answer();
  await Promise.all(back);
  expect(asked, 'what came back to the choice under way needs nothing more').toEqual(['a off', 'a on', 'a off']);
});

it('lets no thing wait for another', async () => {
  const { asked, choose, answer } = hub();
  const both = [choose('a', false), choose('b', false)];
  expect(asked).toEqual(['a off', 'b off']);
  await answer();
  await answer();
  await Promise.all(both);
});

it('is free again after a failure', async () => {
  const { switches, asked, choose, answer } = hub();
  await expect(switches.choose('a', true, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  void choose('a', true);
  await answer();
  expect(asked).toEqual(['a on']);
});
