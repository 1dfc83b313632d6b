/** Run a pool out of keys and watch it: each change is on the page within a second or two, with when it ends. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.js';
import { House } from './house.js';
import { Visitor } from './visitor.js';

/** @type {House} */
let house;
/** @type {import('playwright-core').Browser} */
let browser;
const KEYS = ['sk-pool-0000000000000001', 'sk-pool-0000000000000002'];

before(async () => {
  house = await House.open();
  browser = await openBrowser();
  const { base_url } = await house.call('GET', '/api/providers/demo-openai');
  await house.call('POST', '/api/key-pools', { name: 'shared', keys: KEYS });
  await house.call('POST', '/api/providers', {
    name: 'lab',
    api_format: 'openai-chat',
    base_url,
    allow_private_network: true,
    key_pool: 'shared',
    max_retries: 0,
    models: { other: ['demo-model-chat'] }
  });
});

after(async () => {
  await browser?.close();
  await house?.close();
});

test('a pool runs out and recovers before one’s eyes', { timeout: 90_000 }, async () => {
  const list = await Visitor.arrive(browser, house);
  await list.signIn();
  await list.open('/key-pools');
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/key-pools/shared');
  await page.getByText('Live', { exact: true }).waitFor();
  assert.equal(await page.getByText('Usable', { exact: true }).count(), 2);

  // The upstream limits both keys; it asks for a second's rest each time, and later ones rest longer. The rest is
  // short: all that is to be seen of it is looked out for before it begins.
  const isOut = Promise.all([
    page.getByText('No key can be used now').waitFor(),
    page.getByText(/The first one is back in \d+ s/).waitFor(),
    page.getByText(/^Resting/).nth(1).waitFor(),
    list.page.getByText(/Back in \d+ s/).waitFor()
  ]);
  for (let round = 0; round < 4; round += 1) await house.ask({ model: 'lab/demo-model-chat', text: 'demo:error-429' });
  await isOut;
  await visitor.look('pool-out', { whole: true });
  await list.look('pools-out', { whole: true });

  // It recovers by itself, and the page says so without being asked.
  await page.getByText('No key can be used now').waitFor({ state: 'detached' });
  await page.getByText('On trial', { exact: true }).first().waitFor();
  assert.equal((await house.ask({ model: 'lab/demo-model-chat' })).status, 200);
  await page.getByText('Usable', { exact: true }).first().waitFor();
  await list.leave();
  await visitor.leave();
});

test('many keys are pasted at once, and the last usable one is guarded', { timeout: 90_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/key-pools/shared');
  await page.getByRole('button', { name: 'Add keys' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Keys').fill(`${KEYS[0]}\nACME_KEY="bad-pool-000000000000003", bad-pool-000000000000003`);
  await dialog.getByText('1 new key').waitFor();
  await dialog.getByText('1 there already, 1 pasted twice').waitFor();
  await visitor.look('pool-paste');
  await dialog.getByRole('button', { name: 'Add 1 key' }).click();
  await page.getByText('1 key added').waitFor();
  await page.getByRole('row', { name: /bad-/ }).waitFor();
  assert.equal(await page.getByRole('row').count(), 4);

  // Testing all finds the one that the provider refuses.
  await page.getByRole('button', { name: 'Test all' }).click();
  await page.getByText('2 of 3 keys work').waitFor();
  await page.getByText('Refused (401)').waitFor();

  const menu = (/** @type {RegExp} */ key) => page.getByRole('row', { name: key }).getByRole('button', { name: /^Actions/ });
  await menu(/0001#/).click();
  await page.getByRole('menuitem', { name: 'Disable' }).click();
  await page.getByText('is out of use').first().waitFor();
  visitor.expectRefusal(/\/disable$/);
  await menu(/0002#/).click();
  await page.getByRole('menuitem', { name: 'Disable' }).click();
  const guard = page.getByRole('dialog');
  await guard.getByText('It is the last usable key').waitFor();
  assert.equal(await guard.getByRole('button', { name: 'Disable' }).isDisabled(), true);
  await guard.getByLabel('Type shared to confirm').fill('shared');
  await guard.getByRole('button', { name: 'Disable' }).click();
  await page.getByText('Nothing comes back by itself').waitFor();
  await visitor.look('pool-stuck', { whole: true });

  await menu(/0001#/).click();
  await page.getByRole('menuitem', { name: 'Enable' }).click();
  await page.getByText('Nothing comes back by itself').waitFor({ state: 'detached' });
  await visitor.leave();
});

test('a pause holds what is shown', { timeout: 60_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/key-pools/shared');
  await page.getByText('Live', { exact: true }).waitFor();
  const calls = () => page.getByRole('row', { name: /0001#/ }).getByRole('cell').nth(4).textContent();
  await page.getByRole('button', { name: 'Pause' }).click();
  const held = await calls();
  await house.ask({ model: 'lab/demo-model-chat' });
  await page.waitForTimeout(1500);
  assert.equal(await calls(), held);
  await page.getByRole('button', { name: 'Go on' }).or(page.getByRole('button', { name: 'Resume' })).click();
  await page.waitForFunction((text) => ![...document.querySelectorAll('td')].some((cell) => cell.textContent?.includes('0001#') && cell.parentElement?.children[4]?.textContent === text), held);
  await visitor.leave();
});

test('a pool leads to the rules that name it', { timeout: 60_000 }, async () => {
  await house.call('POST', '/api/routes', { name: 'by-shared', match: { model: ['shared-*'] }, targets: [{ provider: 'lab' }], key_pool: 'shared' });
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/key-pools/shared');
  await page.getByRole('link', { name: /by-shared/ }).click();
  await page.getByRole('dialog', { name: /by-shared/ }).getByText('shared-*').waitFor();
  await visitor.leave();
});
