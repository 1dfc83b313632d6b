/** Sends a call to the hub with the page's own key. A key that ended meanwhile is made again, once. */
import type { Call } from './conversation';
import { forgetKey, playgroundKey } from './key';

/** The answer, whatever its status; throws for a network that is away and for a key that is refused. */
export async function send(call: Pick<Call, 'path' | 'headers'> & { body: string }, signal?: AbortSignal): Promise<Response> {
  for (let last = false; ; last = true) {
    const answer = await fetch(call.path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${await playgroundKey()}`, ...call.headers },
      credentials: 'omit',
      body: call.body,
      ...(signal ? { signal } : {})
    });
    if (answer.status !== 401 || last) return answer;
    forgetKey();
  }
}
