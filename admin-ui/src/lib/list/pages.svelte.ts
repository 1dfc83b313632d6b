/**
 * A list that the server pages: one page at a time, more on request, and never the whole. A newer question makes
 * the answer to an older one unwanted.
 */
import { problemOf, type Problem } from '$lib/api/client';

export interface Page<Item> {
  items: Item[];
  next?: string | undefined;
}

type Answer<Item> = Promise<{ data?: Page<Item> | undefined; error?: unknown }>;
/** Asks for the page that begins at `cursor`; the first one when there is none. */
export type Ask<Item> = (cursor: string | undefined) => Answer<Item>;

export class Pages<Item> {
  items = $state.raw<Item[]>([]);
  next = $state<string | undefined>();
  problem = $state.raw<Problem | null>(null);
  busy = $state(false);
  /** Whether the first page has been seen, or refused. */
  settled = $state(false);
  #turn = 0;
  #ask: Ask<Item>;

  constructor(ask: Ask<Item>) {
    this.#ask = ask;
  }

  /** Reads the first page again. What is shown stays until the answer is there. */
  reload = (): Promise<void> => this.#read(undefined);

  /** Reads the next page and puts it behind the others. */
  more = async (): Promise<void> => {
    if (this.next && !this.busy) await this.#read(this.next);
  };

  /** Puts a changed item in the place of the old one. */
  replace(changed: Item, same: (item: Item) => boolean): void {
    this.items = this.items.map((item) => (same(item) ? changed : item));
  }

  /** Takes an item out; returns what puts it back. */
  remove(gone: (item: Item) => boolean): () => void {
    const before = this.items;
    this.items = before.filter((item) => !gone(item));
    return () => (this.items = before);
  }

  async #read(cursor: string | undefined): Promise<void> {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const { data, error } = await this.#ask(cursor);
      if (turn !== this.#turn) return;
      if (data) {
        this.items = cursor ? [...this.items, ...data.items] : data.items;
        this.next = data.next ?? undefined;
        this.problem = null;
      } else {
        this.problem = problemOf(error);
      }
    } catch (error) {
      if (turn === this.#turn) this.problem = problemOf(error);
    } finally {
      if (turn === this.#turn) {
        this.busy = false;
        this.settled = true;
      }
    }
  }
}
