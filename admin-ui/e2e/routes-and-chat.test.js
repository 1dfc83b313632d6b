/** Rules that change where requests go, and conversations with several models at once. */
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
  house = await House.open({ env: { CAPTURE: 'all' } });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await house?.close();
});

/**
 * Makes a rule on its page.
 * @param {Visitor} visitor
 * @param {{ name: string, model: string, provider: string }} rule
 */
async function makeRule({ page }, { name, model, provider }) {
  await page.getByRole('button', { name: 'New rule' }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Name', { exact: true }).fill(name);
  await dialog.getByLabel('Model', { exact: true }).first().fill(model);
  await page.keyboard.press('Enter');
  await dialog.getByLabel('Provider', { exact: true }).fill(provider);
  await page.keyboard.press('Tab');
  await dialog.getByRole('button', { name: 'Review changes' }).click();
  await dialog.getByText('match.model').waitFor();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.locator(`#rule-${name}`).waitFor();
}

test('make a route and see the tester change its answer', { timeout: 120_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/routes/test');
  await page.getByText(/^Goes to demo-/).waitFor();
  assert.equal(await page.getByText(/The rule (claude-elsewhere|sonnet-first) decides/).count(), 0);
  assert.deepEqual(await visitor.barriers(), []);

  await visitor.open('/routes');
  await makeRule(visitor, { name: 'claude-elsewhere', model: 'claude-*', provider: 'demo-gemini' });
  await makeRule(visitor, { name: 'sonnet-first', model: 'claude-sonnet-*', provider: 'demo-responses' });
  // Behind the wider rule the narrower one is never reached, and the page says so.
  await page.locator('#rule-sonnet-first').getByText(/never reached/).waitFor();
  await visitor.look('routes', { whole: true });
  // The palette leads to the rule itself, from its own page too.
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox', { name: 'Go to' }).fill('sonnet-fi');
  await page.getByRole('option', { name: /sonnet-first/ }).click();
  const rule = page.getByRole('dialog', { name: /sonnet-first/ });
  await rule.getByText('claude-sonnet-*').waitFor();
  await rule.getByRole('button', { name: 'Cancel' }).click();
  await rule.waitFor({ state: 'detached' });
  await visitor.open('/routes/test');
  await page.getByText('The rule claude-elsewhere decides.').waitFor();

  await visitor.open('/routes');
  await page.locator('#rule-sonnet-first').getByRole('button', { name: 'sonnet-first', exact: true }).focus();
  await page.keyboard.press('Alt+ArrowUp');
  await page.getByText('sonnet-first is at place 1 now.').waitFor({ state: 'attached' });
  assert.deepEqual(await visitor.barriers(), []);
  await visitor.open('/routes/test');
  await page.getByText('The rule sonnet-first decides.').waitFor();
  await page.getByText('Goes to demo-responses').waitFor();
  const seed = page.getByRole('listitem').filter({ hasText: 'seed' }).filter({ hasText: 'Dropped' });
  await seed.first().waitFor();
  await visitor.look('route-tester', { whole: true });
  await page.getByRole('button', { name: 'Send it now' }).click();
  await page.getByText('Answered with 200.').waitFor();
  await visitor.leave();
});

test('chat with two models side by side and switch', { timeout: 120_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/chat');
  /** @param {number} place */
  const lane = (place) => page.getByRole('region', { name: `Answers of model ${place}` });
  /** @param {string} text */
  const say = async (text) => {
    await page.getByLabel('Message', { exact: true }).fill(text);
    await page.keyboard.press('Enter');
  };
  await lane(1).getByRole('combobox', { name: 'Model', exact: true }).fill('demo-anthropic/demo-model-messages');
  await page.keyboard.press('Tab');
  await page.getByRole('button', { name: 'Compare' }).click();
  await lane(2).getByRole('combobox', { name: 'Model', exact: true }).fill('demo-gemini/demo-model-generate');
  await page.keyboard.press('Tab');
  await lane(2).getByLabel('Dialect').selectOption('anthropic');
  await say('demo:reasoning Good **morning**');
  await lane(1).getByText(/demo-model-messages in an anthropic/).waitFor();
  await lane(2).getByText(/demo-model-generate in a gemini/).waitFor();
  await lane(1).getByText('Reasoning', { exact: true }).click();
  await lane(1).getByText('considers the question').waitFor();
  await visitor.look('chat-two-models');
  assert.deepEqual(await visitor.barriers(), []);

  // One of the two goes on, in another dialect and with another model.
  await lane(2).getByRole('button', { name: 'Go on with this one alone' }).click();
  await lane(2).waitFor({ state: 'detached' });
  await lane(1).getByLabel('Dialect').selectOption('openai-responses');
  await lane(1).getByRole('combobox', { name: 'Model', exact: true }).fill('demo-openai/demo-model-chat');
  await page.keyboard.press('Tab');
  await say('And now?');
  await lane(1).getByText(/demo-model-chat in an openai/).waitFor();
  await lane(1).getByText(/demo-model-generate in a gemini/).waitFor();

  // A tool is defined, called, and answered in its place.
  await page.getByRole('button', { name: 'Settings', exact: true }).click();
  await page.getByRole('button', { name: 'Add a tool' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().click();
  await say('demo:tool');
  await page.getByLabel('get_weather').fill('{"rain": true}');
  await page.getByRole('button', { name: 'Send results' }).click();
  await lane(1).getByText(/rain/).last().waitFor();

  await lane(1).getByRole('button', { name: 'Show as code' }).click();
  await page.getByRole('tab', { name: 'Python' }).click();
  await page.getByText('client.responses.create(').waitFor();
  await page.keyboard.press('Escape');
  await lane(1).getByRole('button', { name: 'Raw events' }).first().click();
  await page.getByRole('dialog').getByText('message_start').first().waitFor();
  await page.keyboard.press('Escape');

  // Kept from here on; a new one leaves it, and its address leads back to it.
  await page.getByRole('switch', { name: 'Keep conversations' }).click();
  await page.waitForURL('**c=**');
  const kept = page.url();
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.waitForURL((url) => !url.searchParams.has('c'));
  await page.goto(kept);
  await lane(1).getByText(/demo-model-generate in a gemini/).waitFor();
  for (const width of [360, 768]) {
    await visitor.resize(width);
    assert.equal(await visitor.overflow(), '', `${width} pixels`);
  }
  await visitor.leave();
});
