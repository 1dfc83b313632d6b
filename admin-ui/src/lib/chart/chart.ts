/** What a chart is made of. */
export interface Series {
  id: string;
  title: string;
  values: readonly (number | null)[];
  /** Which of the colours for series. */
  colour: 1 | 2 | 3 | 4;
  /** Filled below the line. */
  area?: boolean;
}
