/** What differs between two values, member by member. */
import { kindOf, type Path } from './node';
import { isObject, same, type Json } from './value';

export interface Difference {
  path: Path;
  before: Json | undefined;
  after: Json | undefined;
}

/** Members that are empty say the same as members that are not there. */
function isNothing(value: Json | undefined): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && !value.length) || (isObject(value) && !Object.keys(value).length);
}

export function differences(before: Json | undefined, after: Json | undefined, path: Path = []): Difference[] {
  if (same(before, after) || (isNothing(before) && isNothing(after))) return [];
  if (isObject(before) && isObject(after)) {
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
    return names.flatMap((name) => differences(before[name], after[name], [...path, name]));
  }
  if (isObject(after) && before === undefined) return Object.entries(after).flatMap(([name, value]) => differences(undefined, value, [...path, name]));
  // Lists of plain words are told whole; lists of things, thing by thing.
  const things = (value: Json | undefined) => Array.isArray(value) && value.some((item) => kindOf(item) === 'object');
  if (Array.isArray(before) && Array.isArray(after) && (things(before) || things(after))) {
    return Array.from({ length: Math.max(before.length, after.length) }, (_, place) => differences(before[place], after[place], [...path, place])).flat();
  }
  return [{ path, before, after }];
}
