/** Add a provider from a preset and test it: the vendor's grid, keys, models that it offers, a live test, and use. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.js';
import { House } from './house.js';
import { Visitor } from './visitor.js';

/** @type {House} */
let house;
/** @type {import('playwright-core').Browser} */
let browser;
/** Where the built-in upstream listens. */
let upstream = '';

before(async () => {
  house = await House.open();
  browser = await openBrowser();
  upstream = (await house.call('GET', '/api/providers/demo-openai')).base_url;
});

after(async () => {
  await browser?.close();
  await house?.close();
});

test('a provider from a preset, tested and put in use', { timeout: 90_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/providers');
  await page.getByRole('button', { name: 'Add a provider' }).first().click();
  const wizard = page.getByRole('dialog', { name: 'Add a provider' });
  await wizard.getByRole('searchbox').fill('openai');
  await wizard.getByRole('button', { name: /^OpenAI api\.openai\.com/ }).click();

  // The preset has filled the form; the address leads to the built-in upstream instead.
  assert.equal(await wizard.getByLabel('Name').inputValue(), 'openai');
  assert.equal(await wizard.getByLabel('Speaks').inputValue(), 'openai-chat');
  await wizard.getByLabel('Name').fill('acme');
  await wizard.getByLabel('Base URL').fill(upstream);
  await wizard.getByRole('switch', { name: 'May be on a private network' }).click();
  await wizard.getByLabel('Keys').fill('sk-acme-0000000000000001\nsk-acme-0000000000000002\nsk-acme-0000000000000001');
  await wizard.getByText('2 new keys').waitFor();
  await visitor.look('wizard-connect');
  await wizard.getByRole('button', { name: 'Continue' }).click();

  // It is made, but nothing is sent there until it is put in use.
  await wizard.getByRole('list', { name: 'Models that it offers' }).waitFor();
  assert.equal((await house.call('GET', '/api/providers/acme')).enabled, false);
  await wizard.getByRole('checkbox').first().check();
  await wizard.getByLabel('Name of a model that is not in the list').fill('demo-model-own');
  await wizard.getByRole('button', { name: 'Add', exact: true }).click();
  await visitor.look('wizard-models');
  await wizard.getByRole('button', { name: 'List 2 models' }).click();

  await wizard.getByRole('button', { name: 'Send a test' }).click();
  await wizard.locator('[data-test-result=ok]').waitFor();
  await visitor.look('wizard-tested');
  await wizard.getByRole('button', { name: 'Put it in use' }).click();

  await page.waitForURL('**/ui/providers/acme');
  await visitor.settled();
  const made = await house.call('GET', '/api/providers/acme');
  assert.equal(made.enabled, true);
  assert.equal(made.secrets.keys.length, 2);
  assert.equal(made.models.other.length, 2);
  assert.equal((await house.ask({ model: 'acme/demo-model-own' })).status, 200);
  await visitor.leave();
});

test('a test shows what was asked; a change of somebody else is not lost', { timeout: 90_000 }, async () => {
  await house.call('POST', '/api/providers', {
    name: 'lab',
    api_format: 'openai-chat',
    base_url: upstream,
    allow_private_network: true,
    keys: ['sk-lab-0000000000000001', 'bad-lab-000000000000001'],
    models: { other: ['demo-model-chat'] }
  });
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/providers/lab?tab=test');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.locator('[data-test-result=ok]').waitFor();
  await page.getByText('"Say OK."').waitFor();
  await visitor.look('provider-test', { whole: true });

  await page.getByRole('tab', { name: 'Limits' }).click();
  await page.getByLabel('Further tries').fill('2');
  const before = await house.call('GET', '/api/providers/lab');
  await house.call('PUT', '/api/providers/lab', { ...entry(before), description: 'Changed meanwhile' });
  visitor.expectRefusal(/\/api\/providers\/lab$/);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Somebody changed this since you opened it').waitFor();
  await page.getByRole('button', { name: 'Reload' }).click();
  await page.getByText('Changed meanwhile').first().waitFor();
  await page.getByLabel('Further tries').fill('3');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByText('lab is saved').waitFor();
  const after = await house.call('GET', '/api/providers/lab');
  assert.equal(after.max_retries, 3);
  assert.equal(after.description, 'Changed meanwhile');
  assert.equal(after.secrets.keys.length, 2, 'keys that nobody touched stay');

  // Taking it out of use can be taken back.
  await page.getByRole('button', { name: 'Disable' }).click();
  await page.getByText('lab is out of use').waitFor();
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('lab is in use').waitFor();
  assert.equal((await house.call('GET', '/api/providers/lab')).enabled, true);
  await visitor.leave();
});

test('what the hub itself brings cannot be changed, and the page says why', { timeout: 60_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  await visitor.signIn();
  await visitor.open('/providers/demo-openai');
  await visitor.page.getByText('It belongs to the demonstration and goes with it.').waitFor();
  assert.equal(await visitor.page.getByLabel('Base URL').isDisabled(), true);
  assert.equal(await visitor.page.getByRole('button', { name: 'Delete' }).count(), 0);
  await visitor.leave();
});

/**
 * What a provider is written as, from what it is read as.
 * @param {Record<string, unknown>} provider
 */
function entry(provider) {
  const { source, place, version, updated_at, problem, secrets, lacks_key, ...members } = provider;
  return members;
}
