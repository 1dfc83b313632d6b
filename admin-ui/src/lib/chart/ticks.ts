/** Where the lines of a chart stand: round amounts, and times that a clock shows. */

/** Round amounts from nought to `most`, about `count` of them. */
export function amounts(most: number, count: number): number[] {
  if (!(most > 0)) return [0];
  const rough = most / count;
  const size = 10 ** Math.floor(Math.log10(rough));
  const step = size * ([1, 2, 2.5, 5, 10].find((factor) => factor * size >= rough) ?? 10);
  const found: number[] = [];
  for (let at = 0; at <= most * 1.0001; at += step) found.push(at);
  return found;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 5 * DAY, 7 * DAY, 14 * DAY];

/** Round times between two, at most `count` of them, counted from midnight as the reader's clock has it. */
export function times(from: number, to: number, count: number): number[] {
  const rough = (to - from) / Math.max(1, count);
  const step = STEPS.find((step) => step >= rough) ?? 30 * DAY;
  const midnight = new Date(from);
  midnight.setHours(0, 0, 0, 0);
  const found: number[] = [];
  const first = Math.ceil((from - midnight.getTime()) / step);
  for (let at = midnight.getTime() + first * step; at <= to; at += step) found.push(at);
  return found;
}
