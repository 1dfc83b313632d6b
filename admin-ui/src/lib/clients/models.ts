import { api } from '$lib/api/client';

/** All models that providers list. */
export async function allModels(): Promise<string[]> {
  const { data } = await api.GET('/models');
  const lists = Object.values((data?.models ?? {}) as Record<string, string[]>);
  return [...new Set(lists.flat())].sort();
}

/** The models that a client with this key may ask for, as the hub lists them. */
export async function modelsOf(key: string): Promise<string[]> {
  const answer = await fetch('/v1/models', { headers: { authorization: `Bearer ${key}` } });
  if (!answer.ok) return [];
  const { data } = (await answer.json()) as { data?: { id: string }[] };
  return (data ?? []).map((model) => model.id);
}

/** A short request through the hub, as a client would send it. */
export async function sendTest(key: string, model: string): Promise<{ status: number; text: string }> {
  const answer = await fetch('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ model, max_tokens: 64, messages: [{ role: 'user', content: 'Say hello in one short sentence.' }] })
  });
  const body = (await answer.json().catch(() => ({}))) as { choices?: { message?: { content?: string } }[]; error?: { message?: string } };
  return { status: answer.status, text: body.choices?.[0]?.message?.content ?? body.error?.message ?? '' };
}
