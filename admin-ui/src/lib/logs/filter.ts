/** What requests are looked for, in the address of the page, in a question to the server, and beside the live tail. */
import type { Schemas } from '$lib/api/client';

export type RequestRow = Schemas['RequestRow'];

export const filterNames = [
  'search',
  'range',
  'outcome',
  'status',
  'model',
  'provider',
  'ingress',
  'upstream',
  'client_key_id',
  'user_id',
  'route',
  'tag',
  'min_ms',
  'error_code',
  'call',
  'from',
  'to'
] as const;
export type FilterName = (typeof filterNames)[number];
export type Filter = Partial<Record<FilterName, string>>;

const NUMBERS: readonly FilterName[] = ['status', 'min_ms', 'from', 'to'];

/** The filter in an address. */
export function filterOf(params: URLSearchParams): Filter {
  const filter: Filter = {};
  for (const name of filterNames) {
    const value = params.get(name)?.trim();
    if (value && (!NUMBERS.includes(name) || /^\d+$/.test(value))) filter[name] = value;
  }
  return filter;
}

/** The filter as the address has it; other parameters are not its own. */
export function paramsOf(filter: Filter): URLSearchParams {
  const params = new URLSearchParams();
  for (const name of filterNames) if (filter[name]) params.set(name, filter[name]);
  return params;
}

/** The filter as the server is asked. */
export function queryOf(filter: Filter): Record<string, string | number> {
  const query: Record<string, string | number> = {};
  for (const name of filterNames) {
    const value = filter[name];
    if (value) query[name] = NUMBERS.includes(name) ? Number(value) : value;
  }
  return query;
}

/** What an export is asked for: what the list shows, all pages of it. */
export function exportOf(filter: Filter, format: 'csv' | 'jsonl'): string {
  const params = paramsOf(filter);
  params.set('format', format);
  return `/api/logs/export?${params}`;
}

/** The part of a filter that the tail itself understands. */
export function tailOf(filter: Filter): string {
  const params = new URLSearchParams();
  for (const name of ['provider', 'model', 'client_key_id'] as const) if (filter[name]) params.set(name, filter[name]);
  if (filter.outcome === 'error') params.set('errors', 'true');
  return `/api/logs/tail?${params}`;
}

function statusFits(wanted: string, status: number): boolean {
  const number = Number(wanted);
  return number < 10 ? Math.floor(status / 100) === number : status === number;
}

/** Whether a request that the tail tells of belongs to what is looked for. */
export function fits(filter: Filter, row: RequestRow): boolean {
  // A past span has no news.
  if (filter.to && row.at >= Number(filter.to)) return false;
  const plain: [FilterName, string | null | undefined][] = [
    ['outcome', row.outcome],
    ['provider', row.provider],
    ['ingress', row.ingress],
    ['upstream', row.upstream],
    ['client_key_id', row.client_key_id],
    ['user_id', row.user_id],
    ['route', row.route],
    ['error_code', row.error_code],
    ['call', row.call]
  ];
  if (plain.some(([name, value]) => filter[name] && filter[name] !== value)) return false;
  if (filter.model && filter.model !== row.model_asked && filter.model !== row.model_served) return false;
  if (filter.status && !statusFits(filter.status, row.status)) return false;
  if (filter.tag && !row.tags.includes(filter.tag)) return false;
  if (filter.min_ms && row.total_ms < Number(filter.min_ms)) return false;
  const words = [row.id, row.model_asked, row.model_served, row.provider, row.client_key, row.error].join('\n').toLowerCase();
  return !filter.search || words.includes(filter.search.toLowerCase());
}
