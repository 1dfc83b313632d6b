/** Filters live in the address, so that a view can be linked to and comes back with the back button. */
import { replaceState } from '$app/navigation';
import { page } from '$app/state';

/** Puts a value into the address, or takes it out when it is empty. */
export function replaceParameter(name: string, value: string): void {
  const url = new URL(location.href);
  if (value) url.searchParams.set(name, value);
  else url.searchParams.delete(name);
  replaceState(url, page.state);
}
