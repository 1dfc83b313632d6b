/**
 * The traffic of the last minute, from the requests as they end. What ended before the page was opened is read once,
 * so that the figures are right from the first second. While paused nothing moves.
 */
import { api, type Schemas } from '$lib/api/client';
import { follow } from '$lib/live/events';
import { percentile } from './percentile';

export type Request = Schemas['RequestRow'];

/** The time that figures are about. */
export const WINDOW = 60_000;
/** More than this are not kept, however fast they come. */
const MOST = 20_000;
/** Of the newest, so many are shown. */
const SHOWN = 8;

export interface Figures {
  /** Requests in the window. */
  requests: number;
  perSecond: number;
  errorRate: number | null;
  p50: number | null;
  p95: number | null;
  tokensPerSecond: number;
  /** Requests, a second each, the oldest first. */
  seconds: number[];
}

/** A request and when it ended, by the clock of this browser: the hub's may go differently. */
export interface Ended {
  request: Request;
  at: number;
}

export function figures(ended: readonly Ended[], now: number, window = WINDOW): Figures {
  const seconds = Array<number>(WINDOW / 1000).fill(0);
  const first: number[] = [];
  let count = 0;
  let errors = 0;
  let tokens = 0;
  for (const { request, at: end } of ended) {
    const age = now - end;
    if (age > WINDOW) continue;
    count += 1;
    if (request.outcome === 'error' || request.outcome === 'cut') errors += 1;
    if (request.first_byte_ms != null && request.outcome === 'ok') first.push(request.first_byte_ms);
    tokens += (request.tokens?.input ?? 0) + (request.tokens?.output ?? 0);
    const at = seconds.length - 1 - Math.max(0, Math.floor(age / 1000));
    if (at >= 0) seconds[at] = (seconds[at] ?? 0) + 1;
  }
  const length = window / 1000;
  return {
    requests: count,
    perSecond: count / length,
    errorRate: count ? errors / count : null,
    p50: percentile(first, 0.5),
    p95: percentile(first, 0.95),
    tokensPerSecond: tokens / length,
    seconds
  };
}

export class Traffic {
  figures = $state.raw<Figures>(figures([], Date.now()));
  /** The newest requests, the newest first. */
  newest = $state.raw<Request[]>([]);
  connected = $state(false);
  paused = $state(false);
  /** Requests that came too fast to be told. */
  missed = $state(0);
  #kept: Ended[] = [];
  #known = new Set<string>();

  follow = (): (() => void) => {
    void this.#begin();
    const end = follow('/api/logs/tail', {
      onstate: (connected) => (this.connected = connected),
      onevent: (event) => {
        if (event.name === 'request') this.take(JSON.parse(event.data) as Request);
        else if (event.name === 'missed') this.missed += (JSON.parse(event.data) as { count: number }).count;
      }
    });
    const timer = setInterval(() => this.#show(), 1000);
    return () => {
      clearInterval(timer);
      end();
    };
  };

  take(request: Request, at = Date.now()): void {
    if (this.#known.has(request.id)) return;
    this.#known.add(request.id);
    this.#kept.push({ request, at });
  }

  pause = (): void => {
    this.paused = true;
  };

  resume = (): void => {
    this.paused = false;
    this.#show();
  };

  async #begin(): Promise<void> {
    const answer = await api.GET('/api/logs', { params: { query: { range: '1m', limit: 100 } } }).catch(() => null);
    const theirs = Date.parse(answer?.response.headers.get('date') ?? '');
    const ahead = Number.isNaN(theirs) ? 0 : Date.now() - theirs;
    // Within the second that the header is exact to, both clocks are taken for one.
    const skew = Math.abs(ahead) > 1500 ? ahead : 0;
    for (const request of answer?.data?.items ?? []) this.take(request, request.at + request.total_ms + skew);
    this.#show();
  }

  #show(): void {
    const now = Date.now();
    this.#kept = this.#kept.filter(({ at }) => now - at <= WINDOW).slice(-MOST);
    this.#known = new Set(this.#kept.map(({ request }) => request.id));
    if (this.paused) return;
    this.figures = figures(this.#kept, now);
    this.newest = this.#kept
      .toSorted((a, b) => b.at - a.at)
      .slice(0, SHOWN)
      .map(({ request }) => request);
  }
}
