/** A request to try, as the form has it, and as the server is asked. */
import type { Schemas } from '$lib/api/client';
import { isDialect, type Dialect } from '$lib/chat/conversation';
import { isObject, parse, type JsonObject } from '$lib/json/value';

export type Trial = Schemas['RouteTrial'];
export type TrialReport = Schemas['RouteTrialReport'];

export interface Draft {
  dialect: Dialect;
  body: string;
  /** Where the request does not name it. */
  model: string;
  /** One `name: value` a line. */
  headers: string;
  clientKey: string;
  strict: boolean;
}

/** The headers of the lines; lines that are none are told. */
export function headersOf(lines: string): { headers: Record<string, string>; wrong: string[] } {
  const headers: Record<string, string> = {};
  const wrong: string[] = [];
  for (const line of lines.split('\n').map((line) => line.trim())) {
    if (!line) continue;
    const parts = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*:\s*(.*)$/.exec(line);
    if (parts?.[1]) headers[parts[1].toLowerCase()] = parts[2] ?? '';
    else wrong.push(line);
  }
  return { headers, wrong };
}

/** What the server is asked, or nothing while the form is not complete. */
export function trialOf(draft: Draft): Trial | null {
  const request = parse(draft.body);
  const { headers, wrong } = headersOf(draft.headers);
  if (!isObject(request) || wrong.length) return null;
  return {
    dialect: draft.dialect,
    request,
    headers,
    strict: draft.strict,
    ...(draft.model.trim() ? { model: draft.model.trim() } : {}),
    ...(draft.clientKey ? { client_key: draft.clientKey } : {})
  };
}

/** The call that a draft stands for. */
export function callOf(draft: Draft, model: string): { path: string; headers: Record<string, string>; body: string } {
  const request = parse(draft.body) as JsonObject;
  const { headers } = headersOf(draft.headers);
  const version: Record<string, string> = draft.dialect === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {};
  const paths: Record<Dialect, string> = {
    'openai-chat': '/v1/chat/completions',
    'openai-responses': '/v1/responses',
    anthropic: '/v1/messages',
    gemini: `/v1beta/models/${model.split('/').map(encodeURIComponent).join('/')}:generateContent`
  };
  const strict: Record<string, string> = draft.strict ? { 'x-bridge-strict': 'true' } : {};
  const body = draft.dialect === 'gemini' || !draft.model.trim() ? request : { ...request, model: draft.model.trim() };
  return { path: paths[draft.dialect], headers: { ...version, ...headers, ...strict }, body: JSON.stringify(body) };
}

/** The dialect of a name in an address. */
export function dialectFrom(name: string | null): Dialect {
  return isDialect(name) ? name : 'openai-chat';
}
