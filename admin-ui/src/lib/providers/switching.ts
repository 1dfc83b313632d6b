/** Switches providers on and off. What was done can be undone, once. */
import { Action } from '$lib/action.svelte';
import { api, type Schemas } from '$lib/api/client';
import { t } from '$lib/i18n/index.svelte';
import { Switches } from '$lib/switches';

type Provider = Schemas['Provider'];

export class ProviderSwitches {
  #switches = new Switches();
  #changed: (provider: Provider) => void | Promise<void>;

  /** `changed` hears of each provider as the hub has it then. */
  constructor(changed: (provider: Provider) => void | Promise<void>) {
    this.#changed = changed;
  }

  /** Whether one is being switched. */
  isBusy(name: string): boolean {
    return this.#switches.isBusy(name);
  }

  choose(name: string, enabled: boolean, isUndo = false): Promise<void> {
    return this.#switches.choose(name, enabled, async () => {
      const params = { path: { name } };
      const undo = { label: t('action.undo'), onClick: () => void this.choose(name, !enabled, true) };
      const changed = await new Action().run(
        () => (enabled ? api.POST('/api/providers/{name}/enable', { params }) : api.POST('/api/providers/{name}/disable', { params })),
        { done: t(enabled ? 'providers.enabled' : 'providers.disabled', { name }), ...(isUndo ? {} : { undo }) }
      );
      if (changed && changed !== true) await this.#changed(changed);
    });
  }
}
