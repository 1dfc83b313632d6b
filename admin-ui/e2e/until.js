/**
 * What a request leaves behind (its record, the figures) is written a moment after its answer, and how long that moment
 * lasts is up to the machine: whoever needs it waits for it here and never counts on it being there already.
 */
import assert from 'node:assert/strict';

const TURNS = 150;
const PAUSE = 200;

/**
 * Asks again and again until the answer is something, and returns that.
 * @template T
 * @param {() => Promise<T | undefined | false>} look
 * @returns {Promise<T>}
 */
export async function until(look) {
  for (let turn = 0; turn < TURNS; turn += 1) {
    const found = await look();
    if (found) return found;
    await new Promise((done) => setTimeout(done, PAUSE));
  }
  assert.fail(`it did not come to hold within ${(TURNS * PAUSE) / 1000} seconds: ${look}`);
}
