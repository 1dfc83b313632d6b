/** Which columns there are, which are shown, and what this browser remembers of that. */
export const columnIds = [
  'at',
  'outcome',
  'model',
  'provider',
  'dialects',
  'key',
  'tokens',
  'cost',
  'first',
  'total',
  'losses',
  'attempts',
  'route',
  'tags',
  'call',
  'id'
] as const;
export type ColumnId = (typeof columnIds)[number];

export const usualColumns: ColumnId[] = ['at', 'outcome', 'model', 'provider', 'dialects', 'key', 'tokens', 'cost', 'total', 'losses'];
/** Beside an open request there is room for these. */
export const fewColumns: ColumnId[] = ['at', 'outcome', 'model', 'total'];
/** A card on a phone has these. */
export const cardColumns: readonly ColumnId[] = ['at', 'outcome', 'model', 'tokens', 'total', 'losses'];

const STORED = 'bridge.logs.columns';

export function storedColumns(): ColumnId[] {
  const names = (localStorage.getItem(STORED) ?? '').split(',');
  const known = columnIds.filter((id) => names.includes(id));
  return known.length ? known : usualColumns;
}

export function storeColumns(chosen: readonly string[] | null): void {
  if (chosen) localStorage.setItem(STORED, chosen.join(','));
  else localStorage.removeItem(STORED);
}
