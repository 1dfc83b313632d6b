/** Reads a request with everything that is kept of it. */
import { api } from '$lib/api/client';

const TRIES = 6;
const PAUSE = 400;

/**
 * Asks for a request. The hub tells of one as it ends and writes it down a moment later: before it is believed that
 * there is none, it is asked for again.
 */
export async function readRequest(id: string) {
  for (let turn = 1; ; turn += 1) {
    const answer = await api.GET('/api/logs/{id}', { params: { path: { id } } });
    if (answer.response.status !== 404 || turn === TRIES) return answer;
    await new Promise((done) => setTimeout(done, PAUSE));
  }
}
