/** How a table is described. */
import type { Snippet } from 'svelte';

export interface Column<Item> {
  /** Stable, for the chooser of columns. */
  id: string;
  title: string;
  cell: Snippet<[Item]>;
  /** Numbers stand at the end of their column. */
  end?: boolean;
  /** Takes the room that is left and is cut when there is not enough. */
  grow?: boolean;
  /** Left out on a phone's card. */
  wide?: boolean;
}
