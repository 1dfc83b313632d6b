/** What differs between two values, member by member, so that a long object shows only what changed. */
import { isObject } from './value';

export interface Change {
  /** Members joined by dots, lists by index: `limits.rpm`, `targets[0].provider`; empty for the whole. */
  path: string;
  before: unknown;
  after: unknown;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

export function changesOf(before: unknown, after: unknown, path = ''): Change[] {
  if (isSame(before, after)) return [];
  // A thing that is made or removed is told member by member too: nothing stands against it.
  const pair = [before ?? {}, after ?? {}] as const;
  if (isObject(pair[0]) && isObject(pair[1])) {
    const [old, next] = pair as [Record<string, unknown>, Record<string, unknown>];
    const names = [...new Set([...Object.keys(old), ...Object.keys(next)])];
    return names.flatMap((name) => changesOf(old[name], next[name], path ? `${path}.${name}` : name));
  }
  if (Array.isArray(before) && Array.isArray(after) && [...before, ...after].some(isObject)) {
    const length = Math.max(before.length, after.length);
    return Array.from({ length }, (_, at) => changesOf(before[at], after[at], `${path}[${at}]`)).flat();
  }
  return [{ path, before, after }];
}

/** A value as one reads it: text bare, the rest as JSON; nothing is nothing. */
export function shown(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
