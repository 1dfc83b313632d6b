/** Every language says everything that English says, with the same values and the plural forms it has itself. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { languages } from './index.svelte';

const LOCALES = join(import.meta.dirname, 'locales');
const FORM = /\.(zero|one|two|few|many|other)$/;

type Area = Record<string, string>;

function area(language: string, file: string): Area {
  return JSON.parse(readFileSync(join(LOCALES, language, file), 'utf8')) as Area;
}

function wordsOf(language: string): Area {
  return Object.assign({}, ...readdirSync(join(LOCALES, language)).map((file) => area(language, file))) as Area;
}

function places(text: string): string[] {
  return [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();
}

/** The stems that have plural forms: those that English gives in at least two. */
function counted(words: Area): Set<string> {
  const stems = Object.keys(words).filter((key) => key.endsWith('.other')).map((key) => key.replace(FORM, ''));
  return new Set(stems.filter((stem) => `${stem}.one` in words));
}

/** The keys that a language must have. */
function wanted(english: Area, language: string): string[] {
  const stems = counted(english);
  const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
  const single = Object.keys(english).filter((key) => !stems.has(key.replace(FORM, '')));
  return [...single, ...[...stems].flatMap((stem) => forms.map((form) => `${stem}.${form}`))].sort();
}

const english = wordsOf('en');
const areas = readdirSync(join(LOCALES, 'en'));
const others = readdirSync(LOCALES).filter((language) => language !== 'en');

describe('English', () => {
  it.each(areas)('%s has its keys in order', (file) => {
    const keys = Object.keys(area('en', file));
    expect(keys).toEqual(keys.toSorted());
  });

  it('has each key in one area', () => {
    const keys = areas.flatMap((file) => Object.keys(area('en', file)));
    expect(keys.filter((key, at) => keys.indexOf(key) !== at)).toEqual([]);
  });

  it('has both forms of what is counted', () => {
    const stems = counted(english);
    const alone = Object.keys(english).filter((key) => key.endsWith('.one') && !stems.has(key.replace(FORM, '')));
    expect(alone).toEqual([]);
  });
});

it('has words for each language that can be chosen, and no others', () => {
  expect(['en', ...others].toSorted()).toEqual(Object.keys(languages).toSorted());
});

describe.each(others)('%s', (language) => {
  const words = wordsOf(language);

  it('says everything, and nothing else', () => {
    const keys = wanted(english, language);
    expect({ missing: keys.filter((key) => !(key in words)), unknown: Object.keys(words).filter((key) => !keys.includes(key)) }).toEqual({
      missing: [],
      unknown: []
    });
  });

  it('puts in the same values', () => {
    const flaws = Object.entries(words).filter(([key, text]) => {
      const stem = key.replace(FORM, '');
      const isForm = counted(english).has(stem);
      const source = english[key] ?? english[`${stem}.other`] ?? '';
      // A form for one or two may say the number in words.
      const ignored = (place: string) => isForm && place === '{count}' && !/\.(other|many|few)$/.test(key);
      return String(places(text).filter((place) => !ignored(place))) !== String(places(source).filter((place) => !ignored(place)));
    });
    expect(flaws).toEqual([]);
  });

  it('leaves nothing empty', () => {
    expect(Object.entries(words).filter(([, text]) => !text.trim())).toEqual([]);
  });
});
