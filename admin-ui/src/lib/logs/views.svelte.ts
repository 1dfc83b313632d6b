/** Filters under names: some that everybody needs, and each person's own, which are kept with their account. */
import { api } from '$lib/api/client';
import { isObject, type Json } from '$lib/json/value';
import { keepPreferences } from '$lib/session/preferences';
import { filterOf, paramsOf, type Filter } from './filter';

export interface View {
  name: string;
  filter: Filter;
}

/** The name among a person's preferences. */
const KEPT = 'log_views';
const MOST = 50;

function viewsOf(kept: Json | undefined): View[] {
  if (!Array.isArray(kept)) return [];
  return kept.flatMap((view) => {
    if (!isObject(view) || typeof view['name'] !== 'string' || typeof view['query'] !== 'string') return [];
    return [{ name: view['name'], filter: filterOf(new URLSearchParams(view['query'])) }];
  });
}

export class Views {
  own = $state.raw<View[]>([]);

  async load(): Promise<void> {
    const { data } = await api.GET('/api/preferences');
    const other = data?.other as Json | undefined;
    this.own = viewsOf(isObject(other) ? other[KEPT] : undefined);
  }

  /** Keeps a view; one of the same name is replaced. */
  save(name: string, filter: Filter): Promise<boolean> {
    return this.#change((views) => [...views.filter((view) => view.name !== name), { name, filter }].slice(-MOST));
  }

  remove(name: string): Promise<boolean> {
    return this.#change((views) => views.filter((view) => view.name !== name));
  }

  /** Changes what is kept by then, which another change may have made: what is shown here can be older. */
  async #change(change: (views: View[]) => View[]): Promise<boolean> {
    let views: View[] = [];
    const isKept = await keepPreferences((all) => {
      const kept = all.other as Json | undefined;
      const other = isObject(kept) ? kept : {};
      views = change(viewsOf(other[KEPT]));
      return { ...all, other: { ...other, [KEPT]: views.map(({ name, filter }) => ({ name, query: paramsOf(filter).toString() })) } };
    });
    if (isKept) this.own = views;
    return isKept;
  }
}
