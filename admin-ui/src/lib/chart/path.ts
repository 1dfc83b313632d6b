/** A line of a chart as the path of a drawing. What is missing is passed over. */

export interface Frame {
  width: number;
  height: number;
  /** The greatest value, at the top. */
  most: number;
  /** How many values there are. */
  count: number;
}

/** Where the value at a place stands. */
export function x(at: number, { width, count }: Frame): number {
  return count > 1 ? (at / (count - 1)) * width : width / 2;
}

export function y(value: number, { height, most }: Frame): number {
  return height - (Math.min(value, most) / most) * height;
}

/** The points that are there. */
export function points(values: readonly (number | null)[], frame: Frame): [number, number][] {
  return values.flatMap((value, at): [number, number][] => (value === null ? [] : [[x(at, frame), y(value, frame)]]));
}

const pair = ([left, top]: readonly [number, number]) => `${left.toFixed(1)},${top.toFixed(1)}`;

export function line(found: readonly [number, number][]): string {
  return found.length ? `M${found.map(pair).join('L')}` : '';
}

/** The line with the ground below it. */
export function area(found: readonly [number, number][], { height }: Frame): string {
  const [first, last] = [found[0], found.at(-1)];
  if (!first || !last) return '';
  return `${line(found)}L${pair([last[0], height])}L${pair([first[0], height])}Z`;
}
