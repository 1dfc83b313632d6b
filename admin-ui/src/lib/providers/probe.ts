/** The short request with which the hub tries a provider, before it is put into the provider's dialect. */
export function probe(provider: string, model: string): Record<string, unknown> {
  return { model: `${provider}/${model}`, max_tokens: 16, messages: [{ role: 'user', content: 'Say OK.' }] };
}
