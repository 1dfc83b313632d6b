/**
 * Words in the reader's language. English is the source of all keys, so that a wrong key does not compile; other
 * languages are loaded when they are chosen, and what one lacks is shown in English.
 */
import { first, wordsOf, type Key, type Words } from './words';

export type { Key };
export type Values = Record<string, string | number>;

/** The languages, each by its own name. */
export const languages = {
  en: 'English',
  zh: '中文',
  ja: '日本語',
  ko: '한국어',
  fr: 'Français',
  es: 'Español',
  de: 'Deutsch',
  ru: 'Русский',
  pt: 'Português',
  it: 'Italiano',
  nl: 'Nederlands',
  ar: 'العربية',
  hi: 'हिन्दी',
  th: 'ไทย',
  vi: 'Tiếng Việt',
  id: 'Bahasa Indonesia'
} as const;

export type Language = keyof typeof languages;

const STORED = 'bridge.language';

let language = $state<Language>('en');
let words = $state.raw<Words>(first);
/** The last one that was asked for; its words may be on their way. */
let wanted: Language = language;

/** The language that a tag such as `pt-BR` asks for, where it is one of these. */
export function languageOf(tag: string | null | undefined): Language | null {
  const short = tag?.split('-')[0]?.toLowerCase() ?? '';
  return Object.hasOwn(languages, short) ? (short as Language) : null;
}

/** The language in force. */
export function current(): Language {
  return language;
}

/** `rtl` for Arabic, `ltr` for the others. */
export function direction(): 'ltr' | 'rtl' {
  return language === 'ar' ? 'rtl' : 'ltr';
}

/**
 * Chooses a language and remembers it in this browser; done when all its words are there. English is in force at
 * once, since the words of the first screen are. Who chooses again meanwhile gets the later choice.
 */
export async function choose(next: Language): Promise<void> {
  wanted = next;
  const arriving = wordsOf(next);
  if (next !== 'en') {
    const all = await arriving;
    if (wanted !== next) return;
    words = all;
  }
  language = next;
  localStorage.setItem(STORED, next);
  document.documentElement.lang = next;
  document.documentElement.dir = direction();
  const all = await arriving;
  if (wanted === next) words = all;
}

/** The language of the last visit, else the browser's, else English. */
export function preferred(): Language {
  const tags = [localStorage.getItem(STORED), ...navigator.languages];
  return tags.map(languageOf).find((known) => known !== null) ?? 'en';
}

/** Puts values into the `{places}` of a text. */
export function fill(text: string, values?: Values): string {
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === 'number' ? number(value) : value;
  });
}

/** The text of a key, with values put in. With `count`, the plural form that fits it (`key.one`, `key.other`). */
export function t(key: Key, values?: Values): string {
  if (values && typeof values['count'] === 'number') {
    const form = new Intl.PluralRules(language).select(values['count']);
    const plural = words[`${key}.${form}`];
    if (plural !== undefined) return fill(plural, values);
  }
  return fill(words[key] ?? words[`${key}.other`] ?? key, values);
}

/** The text of a code that the server sends, or `fallback` when there is none. */
export function told(code: string, fallback: string): string {
  return words[`error.${code}`] ?? fallback;
}

/** A number as the language writes it. */
export function number(value: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(language, options).format(value);
}

/** A large number, shortened: 1.2K, 3.4M. */
export function short(value: number): string {
  return number(value, { notation: 'compact', maximumFractionDigits: 1 });
}

/** An amount in billionths of a dollar. */
export function money(nano: number | null | undefined): string {
  if (nano === null || nano === undefined) return '—';
  const dollars = nano / 1e9;
  const digits = dollars !== 0 && Math.abs(dollars) < 0.1 ? 5 : 2;
  return number(dollars, { style: 'currency', currency: 'USD', maximumFractionDigits: digits });
}

/** A number and its unit stay in their order, also in a line that runs from right to left. */
function together(text: string): string {
  return direction() === 'rtl' ? `\u2066${text}\u2069` : text;
}

/** Milliseconds, as people read them. */
export function duration(milliseconds: number | null | undefined): string {
  return milliseconds === null || milliseconds === undefined ? '—' : together(span(milliseconds));
}

function span(milliseconds: number): string {
  if (milliseconds < 1000) return `${number(milliseconds, { maximumFractionDigits: milliseconds < 10 ? 1 : 0 })} ms`;
  if (milliseconds < 60_000) return `${number(milliseconds / 1000, { maximumFractionDigits: 1 })} s`;
  return `${number(milliseconds / 60_000, { maximumFractionDigits: 1 })} min`;
}

/** A time, exactly. */
export function exact(at: number): string {
  return new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium' }).format(at);
}

/** How long ago, or how soon. */
export function ago(at: number, now = Date.now()): string {
  const seconds = Math.round((at - now) / 1000);
  const format = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  const steps: [number, Intl.RelativeTimeFormatUnit][] = [
    [60, 'second'],
    [60, 'minute'],
    [24, 'hour'],
    [30, 'day'],
    [12, 'month']
  ];
  let amount = seconds;
  for (const [size, unit] of steps) {
    if (Math.abs(amount) < size) return format.format(Math.round(amount), unit);
    amount /= size;
  }
  return format.format(Math.round(amount), 'year');
}
