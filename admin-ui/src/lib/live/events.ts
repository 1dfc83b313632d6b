/**
 * Server-sent events with the session's credential (which `EventSource` cannot send). A stream that ends is opened
 * again, later each time it fails; who leaves the page closes it.
 */
import { bearer } from '$lib/session/session.svelte';
import { EventReader, type ServerEvent } from './event-reader';

export { EventReader, type ServerEvent };

export interface Follower {
  onevent: (event: ServerEvent) => void;
  /** `true` when events flow, `false` while the connection is away. */
  onstate?: (connected: boolean) => void;
}

const LONGEST_WAIT = 15_000;

/** Follows a stream until the returned function is called. */
export function follow(path: string, follower: Follower): () => void {
  const end = new AbortController();
  void run(path, follower, end.signal);
  return () => end.abort();
}

async function run(path: string, { onevent, onstate }: Follower, signal: AbortSignal): Promise<void> {
  let wait = 500;
  while (!signal.aborted) {
    try {
      const answer = await fetch(path, { headers: { authorization: `Bearer ${await bearer()}` }, signal });
      if (answer.ok && answer.body) {
        onstate?.(true);
        wait = 500;
        const reader = new EventReader();
        const text = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let piece = await text.read(); !piece.done; piece = await text.read()) {
          for (const event of reader.read(piece.value)) onevent(event);
        }
      }
    } catch {
      // Told by the state; the next try follows.
    }
    if (signal.aborted) return;
    onstate?.(false);
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
}
