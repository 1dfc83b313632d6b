import { cleanup, render, screen, waitFor } from '@testing-library/svelte';
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { api, type Schemas } from '$lib/api/client';
import { choose, t } from '$lib/i18n/index.svelte';
import Spending from './Spending.svelte';
import Usage from './Usage.svelte';

vi.mock('$lib/session/session.svelte', () => ({ who: () => null, bearer: async () => '', renew: async () => false }));

const get = vi.spyOn(api, 'GET');
const refused = { error: { status: 403, code: 'x_refused', title: 'Refused', detail: 'This is not for you to see.' }, response: new Response(null, { status: 403 }) };
const nothing = { data: { lines: [] }, response: new Response() };
const key = { id: 'k', limits: { budget_day: '5' } } as Schemas['ClientKey'];

beforeAll(() => choose('en'));
beforeEach(() => void get.mockReset());
afterEach(cleanup);

const saysNothingWasUsed = ({ textContent }: HTMLElement) => [t('usage.empty'), '$0'].some((words) => textContent?.includes(words));

const shown = [
  ['usage', () => render(Usage, { of: { user_id: 'u' } })],
  ['spending', () => render(Spending, { key })]
] as const;

it.each(shown)('says that %s was refused, and shows it once it is told', async (_, show) => {
  get.mockResolvedValue(refused as never);
  const { container } = show();
  await waitFor(() => expect(container.textContent).toContain('This is not for you to see.'));
  expect(saysNothingWasUsed(container)).toBe(false);
  get.mockResolvedValue(nothing as never);
  screen.getByRole('button').click();
  await waitFor(() => expect(container.textContent).not.toContain('not for you'));
  expect(saysNothingWasUsed(container)).toBe(true);
});

it.each(shown)('says that %s could not be read', async (_, show) => {
  get.mockRejectedValue(new TypeError('fetch failed'));
  const { container } = show();
  await waitFor(() => expect(screen.getByRole('button')).toBeTruthy());
  expect(saysNothingWasUsed(container)).toBe(false);
});
