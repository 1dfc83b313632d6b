/** The models that this person may ask for, as the hub offers them to the page's own key. */
import { list, member, text, type Json } from '$lib/json/value';
import type { Option } from '$lib/ui/Combobox.svelte';
import { forgetKey, playgroundKey } from './key';

export async function offeredModels(): Promise<Option[]> {
  const ask = async () => fetch('/v1/models', { headers: { authorization: `Bearer ${await playgroundKey()}` }, credentials: 'omit' });
  let answer = await ask();
  if (answer.status === 401) {
    forgetKey();
    answer = await ask();
  }
  if (!answer.ok) return [];
  return modelsOf((await answer.json()) as Json);
}

/** By their whole name: providers may offer models of the same name. */
export function modelsOf(answer: Json): Option[] {
  return list(member(answer, 'data')).flatMap((model) => {
    const id = text(member(model, 'id'));
    const owner = text(member(model, 'owned_by'));
    return id ? [{ value: owner && !id.startsWith(`${owner}/`) ? `${owner}/${id}` : id, note: owner }] : [];
  });
}
