/**
 * The words of the interface, by area. English is the source of all keys, so that a wrong key does not compile. What
 * the first screen says is part of the first download; the rest, and the other languages, come in files of their own.
 */
import type chat from './locales/en/chat.json';
import type clients from './locales/en/clients.json';
import errors from './locales/en/errors.json';
import frame from './locales/en/frame.json';
import insight from './locales/en/insight.json';
import type logs from './locales/en/logs.json';
import type manage from './locales/en/manage.json';
import type people from './locales/en/people.json';
import type providers from './locales/en/providers.json';
import type routing from './locales/en/routing.json';

type English = typeof chat &
  typeof clients &
  typeof errors &
  typeof frame &
  typeof insight &
  typeof logs &
  typeof manage &
  typeof people &
  typeof providers &
  typeof routing;

/** `name.one`, `name.other` and their like are asked for as `name`. */
type Singular<Name> = Name extends `${infer Stem}.${'zero' | 'one' | 'two' | 'few' | 'many' | 'other'}` ? Stem : Name;
export type Key = Singular<keyof English>;
export type Words = Partial<Record<string, string>>;

/** What the shell, the log-in and the dashboard say, in English. */
export const first: Words = { ...frame, ...errors, ...insight };

const files = import.meta.glob<{ default: Words }>(['./locales/*/*.json', '!./locales/en/{errors,frame,insight}.json']);

async function areasOf(language: string): Promise<Words[]> {
  const wanted = Object.entries(files).filter(([path]) => path.startsWith(`./locales/${language}/`));
  return (await Promise.all(wanted.map(([, load]) => load()))).map((area) => area.default);
}

/** All words of a language, over the English ones. */
export async function wordsOf(language: string): Promise<Words> {
  const [english, own] = await Promise.all([areasOf('en'), language === 'en' ? [] : areasOf(language)]);
  return Object.assign({ ...first }, ...english, ...own) as Words;
}
