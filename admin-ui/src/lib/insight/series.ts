/** Lines of statistics as rows of a chart: one value for each step, also where nothing came. */

interface Line {
  bucket?: number | null;
}

export interface Grid {
  from: number;
  to: number;
  step: number;
}

/** The begin of every step, in milliseconds since 1970. */
export function steps({ from, to, step }: Grid): number[] {
  const count = Math.max(0, Math.ceil((to - from) / step));
  return Array.from({ length: count }, (_, at) => from + at * step);
}

/** One value for each step; `missing` where there is no line. */
export function values<Item extends Line>(
  grid: Grid,
  lines: readonly Item[],
  of: (line: Item) => number | null | undefined,
  missing: number | null
): (number | null)[] {
  const found = steps(grid).map(() => missing);
  for (const line of lines) {
    if (line.bucket == null) continue;
    const at = Math.floor((line.bucket - grid.from) / grid.step);
    if (at >= 0 && at < found.length) found[at] = of(line) ?? missing;
  }
  return found;
}
