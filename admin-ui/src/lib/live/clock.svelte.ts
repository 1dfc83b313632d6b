/** One clock for all relative times of the page, so that they move together and cost one timer. */
const STEP = 5_000;
let time = $state(Date.now());
if (typeof window !== 'undefined') setInterval(() => (time = Date.now()), STEP);

/** The time, in milliseconds since 1970, not older than five seconds. */
export function now(): number {
  return time;
}
