/** What can be done with a client key, wherever it is shown. */
import { Action } from '$lib/action.svelte';
import { api, type Schemas } from '$lib/api/client';
import { t } from '$lib/i18n/index.svelte';
import { Switches } from '$lib/switches';

type ClientKey = Schemas['ClientKey'];

export class KeyActions {
  #action = new Action();
  #switches = new Switches();
  #changed: (key: ClientKey) => void;

  constructor(changed: (key: ClientKey) => void) {
    this.#changed = changed;
  }

  /** Switches it on or off; what was done can be undone. */
  toggle(key: ClientKey): Promise<void> {
    return this.#switches.choose(key.id, !key.enabled, async () => {
      const params = { params: { path: { id: key.id } } };
      const changed = await new Action().run(
        async () => (key.enabled ? api.POST('/api/api-keys/{id}/disable', params) : api.POST('/api/api-keys/{id}/enable', params)),
        {
          done: t(key.enabled ? 'keys.disabled' : 'keys.enabled_done', { name: key.name }),
          undo: { label: t('action.undo'), onClick: () => void this.toggle({ ...key, enabled: !key.enabled }) }
        }
      );
      if (changed && changed !== true) this.#changed(changed);
    });
  }

  /** Removes it for good; says whether it is gone. */
  async remove(key: ClientKey): Promise<boolean> {
    const gone = await this.#action.run(() => api.DELETE('/api/api-keys/{id}', { params: { path: { id: key.id } } }), {
      done: t('keys.removed', { name: key.name })
    });
    return gone !== null;
  }
}
