import { expect, it } from 'vitest';
import { choose, current, languageOf, t } from './index.svelte';

it('leaves the later choice in force, however the words arrive', async () => {
  await Promise.all([choose('de'), choose('en')]);
  expect([current(), t('theme.dark'), document.documentElement.lang, localStorage.getItem('bridge.language')]).toEqual(['en', 'Dark', 'en', 'en']);
  await Promise.all([choose('en'), choose('de')]);
  expect([current(), t('theme.dark'), document.documentElement.lang]).toEqual(['de', 'Dunkel', 'de']);
});

it.each([
  ['pt-BR', 'pt'],
  ['DE', 'de'],
  ['fil', null],
  ['constructor', null],
  ['', null],
  [null, null]
])('%s asks for %s', (tag, language) => {
  expect(languageOf(tag)).toBe(language);
});
