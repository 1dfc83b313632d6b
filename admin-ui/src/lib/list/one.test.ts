import { expect, it } from 'vitest';
import { One } from './one.svelte';

const response = new Response(null, { headers: { etag: '"3"' } });
const away = { status: 503, code: 'database_away', title: 'Away', detail: 'The database does not answer.' };

it('fills a form from each read, also from the one behind a refusal', async () => {
  const answers = [{ error: away, response }, { data: 'kept', response }];
  const filled: string[] = [];
  const one = new One<string>(async () => answers.shift() ?? { response }, (item) => filled.push(item));
  await one.reload();
  expect([one.item, one.problem?.code, filled]).toEqual([null, 'database_away', []]);
  await one.reload();
  expect([one.item, one.problem, one.tag, filled]).toEqual(['kept', null, '"3"', ['kept']]);
});

it('takes no notice of an answer that was overtaken', async () => {
  const pending: ((answer: { data: string; response: Response }) => void)[] = [];
  const filled: string[] = [];
  const one = new One<string>(() => new Promise((answer) => pending.push(answer)), (item) => filled.push(item));
  const both = [one.reload(), one.reload()];
  pending[1]?.({ data: 'new', response });
  pending[0]?.({ data: 'old', response });
  await Promise.all(both);
  expect([one.item, filled]).toEqual(['new', ['new']]);
});
