/** What a page shows, kept in its address: so that it can be linked to, and comes back with the history. */
import { goto, replaceState } from '$app/navigation';
import { page } from '$app/state';

/** Writes a choice into the address; nothing takes it out. It is no step of the history. */
export function note(name: string, value: string): void {
  // The window's address: the page's own does not know of what was replaced before.
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  replaceState(url, page.state);
}

/** A choice of the address, with its usual value, which is not written down. */
export class Query {
  #name: string;
  #usual: string;
  #value = $state('');

  constructor(name: string, usual = '') {
    this.#name = name;
    this.#usual = usual;
    this.#value = new URL(location.href).searchParams.get(name) ?? usual;
  }

  get value(): string {
    return this.#value;
  }

  set value(next: string) {
    this.#value = next;
    note(this.#name, next === this.#usual ? '' : next);
  }
}

/** Runs when the address asks for something (`?new=1`), and takes that out of it; call it in an effect. */
export function onAsked(name: string, open: (value: string) => void): void {
  const asked = page.url.searchParams.get(name);
  if (asked === null) return;
  const url = new URL(page.url);
  url.searchParams.delete(name);
  void goto(url, { replaceState: true, keepFocus: true, noScroll: true }).then(() => open(asked));
}
