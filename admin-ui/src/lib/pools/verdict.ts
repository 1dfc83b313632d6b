/** How the keys of a pool stand together: whether it can serve, and if not, when it will. */

/** `half-open`: it has rested, and its next call shows whether that was enough. It can be used meanwhile. */
export type KeyState = 'active' | 'half-open' | 'cooling' | 'quarantined' | 'disabled';

export interface Standing {
  state: string;
  /** When a resting key may be used again, in milliseconds since 1970. */
  until: number | null;
}

export interface Verdict {
  /** `empty`: no keys. `usable`. `last`: one of several is left. `resting`: none now, some soon. `stuck`: none until somebody acts. */
  kind: 'empty' | 'usable' | 'last' | 'resting' | 'stuck';
  counts: Record<KeyState, number>;
  total: number;
  /** When the first key comes back, where all that could serve rest. */
  until: number | null;
}

export function verdict(keys: Iterable<Standing>): Verdict {
  const counts: Record<KeyState, number> = { active: 0, 'half-open': 0, cooling: 0, quarantined: 0, disabled: 0 };
  let until: number | null = null;
  let total = 0;
  for (const key of keys) {
    total += 1;
    counts[key.state as KeyState] += 1;
    if (key.state === 'cooling' && key.until !== null) until = until === null ? key.until : Math.min(until, key.until);
  }
  const kind = kindOf(counts, total);
  return { kind, counts, total, until: kind === 'resting' ? until : null };
}

function kindOf(counts: Record<KeyState, number>, total: number): Verdict['kind'] {
  if (total === 0) return 'empty';
  const usable = counts.active + counts['half-open'];
  if (usable === 0) return counts.cooling > 0 ? 'resting' : 'stuck';
  return usable === 1 && total - counts.disabled > 1 ? 'last' : 'usable';
}

/** Whole seconds until then, never below nought. */
export function secondsUntil(until: number, now: number): number {
  return Math.max(0, Math.ceil((until - now) / 1000));
}
