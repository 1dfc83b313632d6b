/**
 * The words of the interface, by area. English is part of the first download and is the source of all keys, so that
 * a wrong key does not compile; the other languages are loaded when they are chosen, all areas of one at once.
 */
import chat from './locales/en/chat.json';
import clients from './locales/en/clients.json';
import errors from './locales/en/errors.json';
import frame from './locales/en/frame.json';
import insight from './locales/en/insight.json';
import logs from './locales/en/logs.json';
import manage from './locales/en/manage.json';
import people from './locales/en/people.json';
import providers from './locales/en/providers.json';
import routing from './locales/en/routing.json';

export const english = {
  ...frame,
  ...errors,
  ...insight,
  ...providers,
  ...routing,
  ...logs,
  ...chat,
  ...people,
  ...clients,
  ...manage
};

/** `name.one`, `name.other` and their like are asked for as `name`. */
type Singular<Name> = Name extends `${infer Stem}.${'zero' | 'one' | 'two' | 'few' | 'many' | 'other'}` ? Stem : Name;
export type Key = Singular<keyof typeof english>;
export type Words = Partial<Record<string, string>>;

const files = import.meta.glob<{ default: Words }>(['./locales/*/*.json', '!./locales/en/*.json']);

/** All words of a language, over the English ones. */
export async function wordsOf(language: string): Promise<Words> {
  const wanted = Object.entries(files).filter(([path]) => path.startsWith(`./locales/${language}/`));
  const areas = await Promise.all(wanted.map(([, load]) => load()));
  return Object.assign({ ...english }, ...areas.map((area) => area.default)) as Words;
}
