/** How good a password is: what the hub refuses, and how long guessing the rest would take. Nothing leaves the page. */
import type { Key } from '$lib/i18n/index.svelte';

const SHORTEST = 12;
const FEWEST_DIFFERENT = 5;
const COMMON = /^(admin)+(istrator)?$|^(llm)?bridge$|^changeme$|^default$|^iloveyou$|^letmein$|^login$|^master$|^passw$|^(password)+$|^qwerty(uiop)?$|^secret$|^test$|^user$|^welcome$/;

export interface Strength {
  /** From 0, refused, to 4. */
  level: 0 | 1 | 2 | 3 | 4;
  /** What the hub would say against it. */
  flaw?: Key;
}

function isRun(characters: string[]): boolean {
  const steps = characters.slice(1).map((character, at) => (character.codePointAt(0) ?? 0) - (characters[at]?.codePointAt(0) ?? 0));
  return steps.length > 0 && steps.filter((step) => Math.abs(step) <= 1).length >= steps.length * 0.8;
}

function flawOf(password: string, email: string): Key | undefined {
  const characters = [...password];
  const lower = password.toLowerCase();
  const letters = lower.replace(/[^\p{L}]/gu, '');
  const person = email.split('@')[0]?.toLowerCase() ?? '';
  if (characters.length < SHORTEST) return 'password.short';
  if (new Set(characters).size < FEWEST_DIFFERENT || isRun(characters)) return 'password.monotonous';
  if (COMMON.test(letters)) return 'password.common';
  if (lower === email.toLowerCase() || (person.length >= 4 && letters === person)) return 'password.address';
  return undefined;
}

/** Bits, counted carefully: what repeats adds little, and words add less than random signs. */
function bits(password: string): number {
  const characters = [...password];
  const different = new Set(characters).size;
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\p{N}/u, /[^\p{L}\p{N}]/u].filter((kind) => kind.test(password)).length;
  return Math.min(characters.length, different * 2) * (1.6 + 0.8 * kinds);
}

export function strengthOf(password: string, email: string): Strength {
  const flaw = flawOf(password, email);
  if (flaw) return { level: 0, flaw };
  const found = bits(password);
  return { level: found < 34 ? 1 : found < 48 ? 2 : found < 64 ? 3 : 4 };
}

/** A password of random words' length in random signs, easy to type: five groups of five. */
export function generated(): string {
  const alphabet = 'abcdefghijkmnpqrstuvwxyz23456789';
  const drawn = crypto.getRandomValues(new Uint8Array(25));
  const signs = [...drawn].map((byte) => alphabet[byte % alphabet.length]);
  return Array.from({ length: 5 }, (_, group) => signs.slice(group * 5, group * 5 + 5).join('')).join('-');
}
