/** A month of requests, a day at a time, days without any included. */
import { api, type Schemas } from '$lib/api/client';

type Line = Schemas['RequestLine'];

export const DAY = 86_400_000;
export const DAYS = 30;

export interface Day {
  at: number;
  requests: number;
  errors: number;
  /** Known costs in billionths of a dollar; absent when none is known. */
  cost: number | null;
}

/** The days up to now, each with what its line says. */
export function daysOf(lines: readonly Pick<Line, 'bucket' | 'requests' | 'errors' | 'cost_nano_usd' | 'unpriced'>[], now: number): Day[] {
  const today = Math.floor(now / DAY) * DAY;
  const byDay = new Map(lines.map((line) => [line.bucket, line]));
  return Array.from({ length: DAYS }, (_, index) => {
    const at = today - (DAYS - 1 - index) * DAY;
    const line = byDay.get(at);
    return { at, requests: line?.requests ?? 0, errors: line?.errors ?? 0, cost: line?.cost_nano_usd || !line?.unpriced ? (line?.cost_nano_usd ?? 0) : null };
  });
}

/** The usage of a key or of a person, or why it is not told. */
export async function usageOf(of: { client_key_id?: string; user_id?: string }) {
  const query = { ...of, from: Math.floor(Date.now() / DAY) * DAY - (DAYS - 1) * DAY, step: 'day' as const, limit: 100 };
  const { data, error, response } = await api.GET('/api/stats/requests', { params: { query } });
  return { data: data && daysOf(data.lines, Date.now()), error, response };
}

export interface Spent {
  /** Absent when nothing of it has a known price. */
  cost: number | null;
  unpriced: number;
}

export function spentOf(lines: readonly Pick<Line, 'cost_nano_usd' | 'unpriced'>[]): Spent {
  const cost = lines.reduce((sum, line) => sum + (line.cost_nano_usd ?? 0), 0);
  const unpriced = lines.reduce((sum, line) => sum + line.unpriced, 0);
  return { cost: cost || !unpriced ? cost : null, unpriced };
}

/** What a key has cost since each of these moments, or why that is not told. */
export async function spentSince(client_key_id: string, moments: readonly number[]) {
  const answers = await Promise.all(moments.map((from) => api.GET('/api/stats/requests', { params: { query: { client_key_id, from } } })));
  const refused = answers.find(({ data }) => !data);
  const spent = answers.flatMap(({ data }) => (data ? [spentOf(data.lines)] : []));
  const { error, response } = refused ?? answers[0]!;
  return { data: refused ? undefined : spent, error, response };
}
