/** A clock for countdowns. It runs only while somebody looks. */
import { createSubscriber } from 'svelte/reactivity';

const STEP = 250;
const subscribe = createSubscriber((update) => {
  const timer = setInterval(update, STEP);
  return () => clearInterval(timer);
});

/** The time in milliseconds since 1970, for what must move every second. */
export function moment(): number {
  subscribe();
  return Date.now();
}
