/**
 * What a tree shows of a value without holding the value: its kind, how large it is, and the beginning of it. Long
 * base64 is told by its size, never by its letters.
 */
import { isObject, type Json } from './value';

export type Path = readonly (string | number)[];
export type Kind = 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';

export interface Node {
  /** The member or place that it is called by; null at the root. */
  name: string | number | null;
  kind: Kind;
  /** Members, items or letters. */
  size: number;
  /** The beginning of a text, the whole of a number, the names of members. */
  preview: string;
  /** Set for base64: what it is and how many bytes. */
  blob?: { media: string; bytes: number };
}

/** Letters that a preview has at most. */
const SHOWN = 240;
/** Shorter base64 is shown like any text. */
const BLOB = 256;

export function kindOf(value: Json | undefined): Kind {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value as Kind;
}

/** The beginnings of well-known files, in base64. */
const MAGIC: readonly (readonly [string, string])[] = [
  ['iVBORw0KGgo', 'image/png'],
  ['/9j/', 'image/jpeg'],
  ['R0lGOD', 'image/gif'],
  ['UklGR', 'image/webp'],
  ['JVBERi', 'application/pdf'],
  ['SUQz', 'audio/mpeg']
];

/** What a text of base64 holds, if it is one. */
export function blobOf(text: string): Node['blob'] {
  if (text.length < BLOB) return undefined;
  const address = /^data:([\w.+/-]*)(?:;[\w=-]+)*;base64,/.exec(text.slice(0, 120));
  const from = address ? address[0].length : 0;
  const body = text.length - from;
  // The ends tell enough: to read megabytes letter by letter is what this is to avoid.
  const sample = text.slice(from, from + 512) + text.slice(Math.max(from, text.length - 64));
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(sample)) return undefined;
  const media = address?.[1] || MAGIC.find(([start]) => text.startsWith(start, from))?.[1] || '';
  if (!address && !media && body < 1024) return undefined;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  return { media: media || 'base64', bytes: Math.floor((body * 3) / 4) - padding };
}

function shorten(text: string): string {
  return text.length > SHOWN ? text.slice(0, SHOWN) : text;
}

/** Describes a value. */
export function nodeOf(value: Json | undefined, name: string | number | null): Node {
  const kind = kindOf(value);
  if (typeof value === 'string') {
    const blob = blobOf(value);
    return { name, kind, size: value.length, preview: blob ? '' : shorten(value), ...(blob ? { blob } : {}) };
  }
  if (Array.isArray(value)) return { name, kind, size: value.length, preview: '' };
  if (isObject(value)) {
    const names = Object.keys(value);
    const inner = value['function'];
    const title = value['name'] ?? (isObject(inner) ? inner['name'] : undefined) ?? value['type'] ?? value['role'];
    const hint = typeof title === 'string' ? title : names.slice(0, 6).join(', ');
    return { name, kind, size: names.length, preview: shorten(hint) };
  }
  return { name, kind, size: 0, preview: String(value ?? 'null') };
}

/** The value at a path. */
export function valueAt(value: Json | undefined, path: Path): Json | undefined {
  let here = value;
  for (const step of path) {
    if (Array.isArray(here)) here = here[Number(step)];
    else if (isObject(here)) here = here[String(step)];
    else return undefined;
  }
  return here;
}

/** What is inside a value, a part at a time. */
export function childrenOf(value: Json | undefined, from: number, count: number): Node[] {
  if (Array.isArray(value)) return value.slice(from, from + count).map((item, place) => nodeOf(item, from + place));
  if (!isObject(value)) return [];
  return Object.keys(value)
    .slice(from, from + count)
    .map((name) => nodeOf(value[name], name));
}

/** A path as people write it: `messages[0].content`. */
export function written(path: Path): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    const name = /^[A-Za-z_$][\w$-]*$/.test(step) ? step : JSON.stringify(step);
    return text ? `${text}.${name}` : name;
  }, '');
}
