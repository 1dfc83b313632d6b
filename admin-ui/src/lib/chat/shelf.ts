/** Conversations that are kept on the server, sealed, for the person who had them alone. */
import { api, problemOf, type Problem, type Schemas } from '$lib/api/client';
import type { Message } from './conversation';
import { fresh, type Said } from './lane.svelte';

export type Kept = Schemas['ConversationRow'];
type Entry = Schemas['ConversationEntry'];
type NewMessage = Schemas['ArchivedMessage'];

/** What the server refused. */
export class ShelfProblem extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail);
  }
}

function given<Data>({ data, error }: { data?: Data | undefined; error?: unknown }): Data {
  if (data === undefined) throw new ShelfProblem(problemOf(error));
  return data;
}

export async function create(entry: { title: string; model: string; dialect: string; system: string }): Promise<Schemas['Conversation']> {
  return given(await api.POST('/api/conversations', { body: bodyOf(entry) }));
}

function bodyOf(entry: { title: string; model: string; dialect: string; system: string; tags?: string[] }): Entry {
  const { system, model, ...rest } = entry;
  return { tags: [], ...rest, ...(model ? { model } : {}), ...(system ? { system } : {}) };
}

export interface Opened {
  row: Schemas['Conversation'];
  messages: Said[];
}

/** Reads a conversation with all of its messages, page by page. */
export async function open(id: string): Promise<Opened> {
  const row = given(await api.GET('/api/conversations/{id}', { params: { path: { id } } }));
  const messages: Said[] = [];
  let cursor: string | undefined;
  do {
    const page = given(await api.GET('/api/conversations/{id}/messages', { params: { path: { id }, query: { order: 'asc', limit: 100, ...(cursor ? { cursor } : {}) } } }));
    messages.push(...page.items.map((message) => ({ ...fresh(message as unknown as Message), kept: message.id })));
    cursor = page.next ?? undefined;
  } while (cursor);
  return { row, messages };
}

function written(message: Said): NewMessage {
  const { role, content, model, provider, dialect, request_id, usage, created_at } = message;
  return JSON.parse(JSON.stringify({ role, content, model, provider, dialect, request_id, usage, created_at })) as NewMessage;
}

/**
 * Makes the kept messages those that are shown: takes out what is gone, and appends what is new. `before` are the
 * identifiers that are kept now. Returns the messages with their identifiers.
 */
export async function keep(id: string, before: readonly string[], messages: readonly Said[]): Promise<Said[]> {
  const shown = new Set(messages.map((message) => message.kept));
  for (const gone of before.filter((one) => !shown.has(one))) {
    await api.DELETE('/api/conversations/{id}/messages/{message_id}', { params: { path: { id, message_id: gone } } });
  }
  const news = messages.filter((message) => !message.kept && message.content.length && !message.growing);
  if (!news.length) return [...messages];
  const { messages: kept } = given(await api.POST('/api/conversations/{id}/messages', { params: { path: { id } }, body: { messages: news.map(written) } }));
  const ids = new Map(news.map((message, place) => [message.uid, kept[place]?.id] as const));
  return messages.map((message) => {
    const own = ids.get(message.uid);
    return own ? { ...message, kept: own } : message;
  });
}

/** Changes what stands over a conversation: its title, its model. */
export async function rename(id: string, change: Partial<{ title: string; model: string; dialect: string; system: string }>): Promise<void> {
  const { data, response, error } = await api.GET('/api/conversations/{id}', { params: { path: { id } } });
  if (!data) throw new ShelfProblem(problemOf(error));
  const entry = bodyOf({ title: data.title, model: data.model ?? '', dialect: data.dialect ?? 'openai-chat', system: data.system ?? '', tags: data.tags, ...change });
  given(await api.PUT('/api/conversations/{id}', { params: { path: { id }, header: { 'If-Match': response.headers.get('etag') ?? '' } }, body: entry }));
}

export async function remove(id: string): Promise<void> {
  const { response, error } = await api.DELETE('/api/conversations/{id}', { params: { path: { id } } });
  if (!response.ok) throw new ShelfProblem(problemOf(error));
}
