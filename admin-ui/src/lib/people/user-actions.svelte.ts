/** What can be done with a person, wherever they are shown. */
import { Action } from '$lib/action.svelte';
import { api, type Schemas } from '$lib/api/client';
import { t } from '$lib/i18n/index.svelte';

type Person = Schemas['Person'];

export function nameOf(person: Pick<Person, 'name' | 'email'>): string {
  return person.name || person.email;
}

export class UserActions {
  #action = new Action();
  #changed: (person: Person) => void;

  constructor(changed: (person: Person) => void) {
    this.#changed = changed;
  }

  /** Locks somebody out or lets them in again; what was done can be undone. */
  async toggle(person: Person): Promise<void> {
    const enabled = !person.enabled;
    const { email, name, role } = person;
    const params = { path: { id: person.id }, header: { 'If-Match': `"${person.version}"` } };
    // As the hub has them then: an undo is a change of that version.
    let current = person;
    const put = async () => {
      const answer = await api.PUT('/api/users/{id}', { params, body: { email, name, role, enabled } as Schemas['ChangedPerson'] });
      current = answer.data ?? current;
      return answer;
    };
    const changed = await this.#action.run(put, {
      done: t(enabled ? 'users.enabled' : 'users.disabled', { name: nameOf(person) }),
      undo: { label: t('action.undo'), onClick: () => void this.toggle(current) }
    });
    if (changed && changed !== true) this.#changed(changed);
  }

  /** Gives somebody a made password, which is told once. */
  async reset(person: Person): Promise<Schemas['PersonMade'] | null> {
    const body = { must_change_password: true } as Schemas['PasswordReset'];
    const made = await this.#action.run(() => api.POST('/api/users/{id}/password', { params: { path: { id: person.id } }, body }));
    return made && made !== true ? made : null;
  }

  /** Removes somebody for good; says whether they are gone. */
  async remove(person: Person): Promise<boolean> {
    const gone = await this.#action.run(() => api.DELETE('/api/users/{id}', { params: { path: { id: person.id } } }), {
      done: t('users.removed', { name: nameOf(person) })
    });
    return gone !== null;
  }
}
