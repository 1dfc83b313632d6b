/** The admin API, typed from its own document. */
import createClient, { type Middleware } from 'openapi-fetch';
import type { components, paths } from './schema';
import { bearer, renew } from '$lib/session/session.svelte';

export type Schemas = components['schemas'];
export type Problem = Schemas['Problem'];

const authorize: Middleware = {
  async onRequest({ request }) {
    const token = await bearer();
    if (token) request.headers.set('authorization', `Bearer ${token}`);
    return request;
  },
  async onResponse({ request, response }) {
    if (response.status !== 401 || request.headers.get('x-again')) return response;
    if (!(await renew())) return response;
    // A body has been sent by now and cannot be read again; only reads are repeated.
    if (request.method !== 'GET') return response;
    const again = new Request(request, { headers: new Headers(request.headers) });
    again.headers.set('x-again', '1');
    again.headers.set('authorization', `Bearer ${await bearer()}`);
    return fetch(again);
  }
};

export const api = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });
api.use(authorize);

/** What a refusal says, whatever form it came in. */
export function problemOf(error: unknown): Problem {
  if (error && typeof error === 'object' && 'code' in error && 'detail' in error) return error as Problem;
  return {
    status: 0,
    code: 'unreachable',
    title: 'Unreachable',
    detail: error instanceof Error ? error.message : 'The hub did not answer.',
    errors: []
  };
}

/** The words for a member, from a problem. */
export function flawOf(problem: Problem | null, field: string): string {
  const flaw = problem?.errors?.find((flaw) => flaw.field === field || flaw.field.startsWith(`${field}.`));
  return flaw ? [flaw.message, flaw.fix].filter(Boolean).join(' – ') : '';
}
