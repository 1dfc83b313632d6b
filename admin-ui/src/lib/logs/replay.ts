/** A kept request as a call that can be sent again, or taken along. */
import { isDialect, type Dialect } from '$lib/chat/conversation';
import { curl } from '$lib/chat/snippets';
import type { RequestRecord } from './record';

export interface Kept {
  dialect: Dialect;
  path: string;
  headers: Record<string, string>;
  /** As the client sent it, what looks like a secret aside. */
  body: string;
}

function pathOf(dialect: Dialect, model: string, stream: boolean): string {
  switch (dialect) {
    case 'openai-chat':
      return '/v1/chat/completions';
    case 'openai-responses':
      return '/v1/responses';
    case 'anthropic':
      return '/v1/messages';
    case 'gemini':
      return `/v1beta/models/${model.split('/').map(encodeURIComponent).join('/')}:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`;
  }
}

/** The call, where the body was kept whole and the hub is asked for an answer. */
export function keptCall({ request, capture }: RequestRecord): Kept | null {
  const body = capture?.client_request;
  if (!body?.text || body.truncated || request.call !== 'generate' || !isDialect(request.ingress)) return null;
  const headers: Record<string, string> = request.ingress === 'anthropic' ? { 'anthropic-version': '2023-06-01' } : {};
  return { dialect: request.ingress, path: pathOf(request.ingress, request.model_asked, request.stream), headers, body: body.text };
}

export function curlOf(kept: Kept, origin: string): string {
  return curl(origin, kept.path, kept.headers, kept.body);
}
