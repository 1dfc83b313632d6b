/**
 * One thing that the server keeps, with the tag that a change must carry. A newer question makes the answer to an
 * older one unwanted.
 */
import { problemOf, type Problem } from '$lib/api/client';

type Answer<Item> = Promise<{ data?: Item | undefined; error?: unknown; response: Response }>;

export class One<Item> {
  item = $state.raw<Item | null>(null);
  /** Goes into `If-Match`. */
  tag = $state('');
  problem = $state.raw<Problem | null>(null);
  busy = $state(false);
  #turn = 0;
  #ask: () => Answer<Item>;
  #onread: (item: Item) => void;

  /** `onread` hears of each thing that was read, whoever asked for it: a form is filled there. */
  constructor(ask: () => Answer<Item>, onread: (item: Item) => void = () => {}) {
    this.#ask = ask;
    this.#onread = onread;
  }

  /** Reads it again. What is shown stays until the answer is there. */
  reload = async (): Promise<void> => {
    const turn = ++this.#turn;
    this.busy = true;
    try {
      const { data, error, response } = await this.#ask();
      if (turn !== this.#turn) return;
      if (data === undefined) {
        this.problem = problemOf(error);
        return;
      }
      this.item = data;
      this.tag = response.headers.get('etag') ?? '';
      this.problem = null;
      this.#onread(data);
    } catch (error) {
      if (turn === this.#turn) this.problem = problemOf(error);
    } finally {
      if (turn === this.#turn) this.busy = false;
    }
  };
}
