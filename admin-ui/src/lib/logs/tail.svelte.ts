/**
 * Requests as they end. They wait in a ring of bounded size until they are shown, and are shown in batches, so that
 * a busy hub does not keep the page busy.
 */
import { follow } from '$lib/live/events';
import { fits, tailOf, type Filter, type RequestRow } from './filter';

/** More rows than this do not wait: they are nobody's to read. */
const RING = 500;
/** Rows that came live and are in the page. More would make it slow, and the server has them. */
const SHOWN = 100;
/** Milliseconds between two changes of the page. */
const BEAT = 250;

export class Tail {
  connected = $state(false);
  /** Nothing is shown until it goes on; what comes in waits. */
  paused = $state(false);
  shown = $state.raw<RequestRow[]>([]);
  waiting = $state.raw<RequestRow[]>([]);
  /** Rows fell out between what came live and what was read before. */
  gap = $state(false);
  /** How many were lost because this page was too slow. */
  missed = $state(0);
  #arrived: RequestRow[] = [];
  #beat: ReturnType<typeof setTimeout> | undefined;
  #end: (() => void) | undefined;
  #isCalm: () => boolean;

  /** `isCalm` says whether new rows may move the others: nobody reads further down. */
  constructor(isCalm: () => boolean) {
    this.#isCalm = isCalm;
  }

  start(filter: Filter): void {
    this.stop();
    this.shown = [];
    this.waiting = [];
    this.missed = 0;
    this.gap = false;
    this.#end = follow(tailOf(filter), {
      onstate: (connected) => (this.connected = connected),
      onevent: ({ name, data }) => {
        if (name === 'missed') this.missed += Number((JSON.parse(data) as { count?: number }).count ?? 1);
        if (name !== 'request') return;
        const row = JSON.parse(data) as RequestRow;
        if (fits(filter, row)) this.#take(row);
      }
    });
  }

  stop(): void {
    this.#end?.();
    this.#end = undefined;
    clearTimeout(this.#beat);
    this.#beat = undefined;
    this.#arrived = [];
    this.connected = false;
  }

  /** Puts what waits on top of what is shown. */
  show = (): void => {
    const all = [...this.waiting, ...this.shown];
    if (all.length > SHOWN) this.gap = true;
    this.shown = all.slice(0, SHOWN);
    this.waiting = [];
  };

  /** Forgets what came live: the server has been asked for it. */
  clear = (): void => {
    this.shown = [];
    this.waiting = [];
    this.gap = false;
  };

  toggle = (): void => {
    this.paused = !this.paused;
    if (!this.paused) this.show();
  };

  #take(row: RequestRow): void {
    this.#arrived.unshift(row);
    if (this.#arrived.length > RING) this.#arrived.length = RING;
    this.#beat ??= setTimeout(() => {
      this.#beat = undefined;
      this.waiting = [...this.#arrived, ...this.waiting].slice(0, RING);
      this.#arrived = [];
      if (!this.paused && this.#isCalm()) this.show();
    }, BEAT);
  }
}
