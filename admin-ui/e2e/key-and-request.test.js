/** Log in, make a client key, send a request with it, see it: on the pages that somebody uses every day. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.js';
import { House } from './house.js';
import { Visitor } from './visitor.js';

/** @type {House} */
let house;
/** @type {import('playwright-core').Browser} */
let browser;

before(async () => {
  house = await House.open();
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await house?.close();
});

test('log in, make a key, send a request', { timeout: 90_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.open('/login');
  await page.getByLabel('E-mail').fill(House.email);
  await page.getByLabel('Password', { exact: true }).fill(House.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Client keys' }).click();

  await page.getByRole('button', { name: 'Make a key' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name').fill('laptop');
  await dialog.getByLabel('Requests a minute').fill('2');
  await dialog.getByRole('button', { name: 'Make the key' }).click();
  const shown = page.getByRole('dialog').locator('pre').first();
  await shown.waitFor();
  const key = (await shown.textContent())?.trim() ?? '';
  assert.match(key, /^sk-/);
  await visitor.look('key-made');

  await page.getByRole('dialog').getByRole('link', { name: 'Connect a client' }).click();
  await page.getByRole('heading', { level: 1, name: 'Connect a client' }).waitFor();
  await page.getByText('Waiting for the first request').waitFor();
  await page.waitForFunction((text) => document.querySelector('pre')?.textContent?.includes(text), key);
  assert.equal((await house.ask({ key, model: 'demo-model-chat' })).status, 200);
  await page.locator('[data-state=ok]').waitFor();
  await visitor.look('client-connected', { whole: true });

  // The third request within a minute meets the limit, and the page says what to do.
  await house.ask({ key, model: 'demo-model-chat' });
  assert.equal((await house.ask({ key, model: 'demo-model-chat' })).status, 429);
  await page.locator('[data-state=error]').waitFor();
  await page.getByText('A limit or budget of the key is used up').waitFor();
  await visitor.leave();
});

test('the same by keyboard alone', { timeout: 90_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/');
  // The first stop of the Tab key leads past the navigation.
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute('href')), '#main');
  await page.keyboard.press('g');
  await page.keyboard.press('k');
  await page.waitForURL('**/ui/api-keys');
  await visitor.settled();
  await page.keyboard.press('Control+k');
  // What is typed goes where the focus is: it must have arrived.
  const focused = page.locator(':focus');
  await page.getByRole('combobox', { name: 'Go to' }).and(focused).waitFor();
  await page.keyboard.type('make a client key');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').getByLabel('Name').and(focused).waitFor();
  await page.keyboard.type('by keyboard');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').locator('pre').first().waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('cell', { name: /by keyboard/ }).first().waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
  await page.keyboard.press('Escape');
  await visitor.leave();
});
