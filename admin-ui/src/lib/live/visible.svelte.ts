/** Whether anybody can see the page: what asks again and again stops while nobody does. */
import { createSubscriber } from 'svelte/reactivity';

const subscribe = createSubscriber((update) => {
  document.addEventListener('visibilitychange', update);
  return () => document.removeEventListener('visibilitychange', update);
});

export function visible(): boolean {
  subscribe();
  return document.visibilityState === 'visible';
}
