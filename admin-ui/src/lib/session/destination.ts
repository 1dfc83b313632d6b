/** Where somebody goes after the log-in: where they were, but only ever inside this interface. */
import { resolve } from '$app/paths';

/** `next` if it is a path of this interface, else the dashboard. */
export function inside(next: string | null): string {
  const home = resolve('/');
  if (!next) return home;
  // The browser resolves it as it would a link: `//host`, `\\host` and `..` cannot pass for a path.
  const target = new URL(next, location.origin);
  const isOurs = target.origin === location.origin && target.pathname.startsWith(home) && !target.pathname.startsWith(`${home}login`);
  return isOurs ? target.pathname + target.search + target.hash : home;
}

/** The log-in page, which leads back to this address. */
export function loginFor(url: URL): string {
  return `${resolve('/login')}?next=${encodeURIComponent(url.pathname + url.search)}`;
}
