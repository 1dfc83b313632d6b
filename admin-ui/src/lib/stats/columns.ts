/** The columns of the statistics: what each shows, sorts by, and writes into a file. */
import type { Schemas } from '$lib/api/client';
import { duration, number, t, type Key } from '$lib/i18n/index.svelte';
import { costText } from '$lib/insight/cost';

/** A group with both of its faces. */
export interface Group {
  key: string[];
  label: string;
  requests: Schemas['RequestLine'];
  /** Absent where no tokens were counted. */
  tokens: Schemas['TokenLine'] | undefined;
}

export interface Column {
  id: string;
  title: Key;
  value: (group: Group) => number | null | undefined;
  shown: (group: Group) => string;
}

const count = (id: string, title: Key, value: Column['value']): Column => ({
  id,
  title,
  value,
  shown: (group) => {
    const found = value(group);
    return found == null ? '—' : number(found);
  }
});

export const columns: Column[] = [
  count('requests', 'stats.requests', ({ requests }) => requests.requests),
  {
    id: 'success_rate',
    title: 'stats.success',
    value: ({ requests }) => requests.success_rate,
    shown: ({ requests }) => (requests.success_rate == null ? '—' : number(requests.success_rate, { style: 'percent', maximumFractionDigits: 1 }))
  },
  { id: 'first_byte_p50_ms', title: 'stats.p50', value: ({ requests }) => requests.first_byte.p50_ms, shown: ({ requests }) => duration(requests.first_byte.p50_ms) },
  { id: 'first_byte_p95_ms', title: 'stats.p95', value: ({ requests }) => requests.first_byte.p95_ms, shown: ({ requests }) => duration(requests.first_byte.p95_ms) },
  count('input', 'stats.input', ({ tokens }) => tokens?.input),
  count('cache_read', 'stats.cache_read', ({ tokens }) => tokens?.cache_read),
  count('cache_write', 'stats.cache_write', ({ tokens }) => tokens && tokens.cache_write + tokens.cache_write_5m + tokens.cache_write_1h),
  count('output', 'stats.output', ({ tokens }) => tokens?.output),
  count('reasoning', 'stats.reasoning', ({ tokens }) => tokens?.reasoning),
  { id: 'cost_usd', title: 'stats.cost', value: ({ requests }) => known(requests), shown: ({ requests }) => costText(requests) },
  count('unpriced', 'stats.unpriced', ({ requests }) => requests.unpriced)
];

/** The known cost in dollars; nothing where no price is known. */
function known(line: Schemas['RequestLine']): number | null {
  return line.cost_nano_usd == null ? null : line.cost_nano_usd / 1e9;
}

/** Both faces of the same groups, put together. */
export function joined(requests: readonly Schemas['RequestLine'][], tokens: readonly Schemas['TokenLine'][]): Group[] {
  const byKey = new Map(tokens.map((line) => [line.key.join('\n'), line]));
  return requests.map((line) => ({ key: line.key, label: line.label, requests: line, tokens: byKey.get(line.key.join('\n')) }));
}

/** Sorted by a column; what has no value stands last either way. */
export function sorted(groups: readonly Group[], id: string, down: boolean): Group[] {
  const column = columns.find((column) => column.id === id);
  if (!column) return [...groups];
  return groups.toSorted((a, b) => {
    const [first, second] = [column.value(a), column.value(b)];
    if (first == null || second == null) return Number(first == null) - Number(second == null);
    return down ? second - first : first - second;
  });
}

/** A field of a CSV file. What a spreadsheet would take for a formula is made a text. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** The groups as a CSV file: plain numbers, empty where nothing is known. */
export function csv(by: string, groups: readonly Group[]): string {
  const head = [by, 'label', ...columns.map((column) => column.id)];
  const lines = groups.map((group) => [
    field(group.key.join(' > ')),
    field(group.label),
    ...columns.map((column) => column.value(group)?.toString() ?? '')
  ]);
  return [head, ...lines].map((line) => line.join(',')).join('\r\n') + '\r\n';
}

/** What a group is called. */
export function nameOf(group: Pick<Group, 'key' | 'label'>): string {
  return group.label || group.key.filter(Boolean).join(' → ') || t('stats.unknown');
}
