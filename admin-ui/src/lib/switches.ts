/**
 * Things that are switched on and off. Each changes once at a time: what is chosen while a change is under way waits
 * for it, only the last such choice is done, and choosing what is being done anyway does nothing.
 */
import { SvelteMap } from 'svelte/reactivity';

interface Wish {
  on: boolean;
  work: () => Promise<void>;
}

interface Standing {
  doing: Wish;
  next: Wish | null;
  settled: Promise<void>;
}

export class Switches {
  #standing = new SvelteMap<string, Standing>();

  /** Whether it is being switched. */
  isBusy(name: string): boolean {
    return this.#standing.has(name);
  }

  /** Does it, or leaves it to be done; resolves when nothing is left to do with this thing. */
  choose(name: string, on: boolean, work: () => Promise<void>): Promise<void> {
    const wish = { on, work };
    const standing = this.#standing.get(name);
    if (standing) {
      if (on === standing.doing.on) standing.next = null;
      else standing.next ??= wish;
      return standing.settled;
    }
    const begun: Standing = { doing: wish, next: null, settled: Promise.resolve() };
    this.#standing.set(name, begun);
    begun.settled = this.#settle(name, begun);
    return begun.settled;
  }

  async #settle(name: string, standing: Standing): Promise<void> {
    try {
      for (let wish: Wish | null = standing.doing; wish; wish = standing.next) {
        standing.doing = wish;
        standing.next = null;
        await wish.work();
      }
    } finally {
      this.#standing.delete(name);
    }
  }
}
