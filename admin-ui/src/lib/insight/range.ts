/** The times that can be looked at, and how finely each is cut. */
const MINUTE = 60_000;

export const ranges = {
  '15m': { step: 'minute', every: 10_000 },
  '1h': { step: 'minute', every: 15_000 },
  '6h': { step: '5m', every: 30_000 },
  '24h': { step: '15m', every: 60_000 },
  '7d': { step: 'hour', every: 5 * MINUTE },
  '30d': { step: '6h', every: 10 * MINUTE }
} as const;

export type RangeName = keyof typeof ranges;

/** A range of an address, or the usual one. */
export function rangeOf(text: string): RangeName {
  return text in ranges ? (text as RangeName) : '24h';
}

/** When today began here. */
export function startOfToday(now = new Date()): number {
  return new Date(now.getFullYear(), now.getMonth(), now.getDate()).getTime();
}
