/** Keys as people paste them: one a line or with commas between, with quotes, names before an equals sign, and doubles. */

export interface Pasted {
  /** Each key once, in the order of the text. */
  keys: string[];
  /** How many were in the text more than once. */
  doubles: number;
}

/** Reads keys out of a text. */
export function pasted(text: string): Pasted {
  const all = text
    .split(/[\s,;]+/)
    .map((part) => part.replace(/^export$/, '').replace(/^[A-Z][A-Z0-9_]*=/, ''))
    .map((part) => part.replace(/^["'`]+|["'`]+$/g, ''))
    .filter(Boolean);
  const keys = [...new Set(all)];
  return { keys, doubles: all.length - keys.length };
}

/** The mask that the hub gives a key; without its fingerprint where the browser has no digests (plain http). */
export async function maskOf(key: string): Promise<string> {
  const shown = key.length >= 16 ? `${key.slice(0, 4)}...${key.slice(-4)}` : '...';
  if (!globalThis.crypto?.subtle) return shown;
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key)));
  const print = [...digest.slice(0, 3)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${shown}#${print}`;
}

/** Whether two masks may be of one key; surely so when both have fingerprints. */
export function alike(one: string, other: string): boolean {
  if (one.includes('#') && other.includes('#')) return one === other;
  return one.split('#')[0] === other.split('#')[0];
}
