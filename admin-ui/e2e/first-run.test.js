/** From an empty database to the first answered request, as somebody new does it: within two minutes. */
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
  house = await House.open({ fresh: true });
  browser = await openBrowser();
});

after(async () => {
  await browser?.close();
  await house?.close();
});

test('first run', { timeout: 120_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house, { width: 768 });
  const { page } = visitor;
  await visitor.open('/');
  await page.getByText('This hub is new').waitFor();
  await visitor.look('first-run-login');
  await page.getByLabel('E-mail').fill(house.welcome.email);
  await page.getByLabel('Password', { exact: true }).fill(house.welcome.password);
  await page.getByRole('button', { name: 'Log in' }).click();

  // The made password is changed without being typed twice; a weak one is not even sent.
  await page.getByRole('heading', { name: 'Choose your own password' }).waitFor();
  const save = page.getByRole('button', { name: 'Save the password' });
  await page.getByLabel('New password').fill('password12345');
  await page.getByText('This password is very common').waitFor();
  assert.ok(await save.isDisabled());
  await page.getByLabel('New password').fill(House.password);
  await visitor.look('first-run-password');
  await save.click();

  await page.getByRole('heading', { name: 'Add the first provider' }).waitFor();
  await visitor.settled();
  await page.getByText('Anthropic', { exact: true }).click();
  await page.getByLabel('Provider key').fill('sk-no-real-key');
  await visitor.look('first-run-provider', { whole: true });
  assert.deepEqual(await visitor.barriers(), []);
  await page.getByRole('button', { name: 'Use the built-in one for now' }).click();

  await page.getByRole('heading', { name: 'Make the first client key' }).waitFor();
  await page.getByRole('button', { name: 'Make the key' }).click();

  await page.getByRole('heading', { name: 'Send the first request' }).waitFor();
  const snippet = (await page.locator('pre').allTextContents()).join('\n');
  assert.match(snippet, new RegExp(`${house.url}/v1/chat/completions`), 'the snippet has the real address');
  assert.match(snippet, /sk-/, 'and the real key');
  await page.getByText('Waiting for the first request').waitFor();
  await page.getByRole('button', { name: 'Send a test request' }).click();
  await page.locator('[data-state=ok]').waitFor();
  await visitor.look('first-run-done', { whole: true });
  assert.deepEqual(await visitor.barriers(), []);

  await page.getByRole('link', { name: 'To the dashboard' }).click();
  await visitor.settled();
  await visitor.leave();
});

test('a lock-out says how long it lasts', { timeout: 60_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house, { width: 360 });
  const { page } = visitor;
  visitor.expectRefusal(/\/api\/auth\/login/);
  await visitor.open('/login');
  await page.getByLabel('E-mail').fill(house.welcome.email);
  const locked = page.getByText('Too many failed tries');
  for (let tries = 0; tries < 15 && !(await locked.isVisible()); tries += 1) {
    const answer = page.waitForResponse(/\/api\/auth\/login/);
    await page.getByLabel('Password', { exact: true }).fill(`a wrong password ${tries}`);
    await page.getByRole('button', { name: 'Log in' }).click();
    await answer;
    await page.getByRole('alert').waitFor();
    // The first waits are short.
    const wait = Number((await (await answer).headerValue('retry-after')) ?? 0);
    if (wait > 0 && wait <= 3) await page.waitForTimeout(wait * 1000 + 200);
  }
  await page.getByText(/The next try is possible in \d+ second/).waitFor();
  assert.ok(await page.getByRole('button', { name: 'Log in' }).isDisabled());
  await visitor.look('login-locked');
  await visitor.leave();
});

test('who comes back is where they were', { timeout: 60_000 }, async (context) => {
  const other = await House.open();
  context.after(() => other.close());
  const visitor = await Visitor.arrive(browser, other);
  const { page } = visitor;
  await page.goto(`${other.url}/ui/clients?client=codex`);
  await page.getByLabel('E-mail').fill(House.email);
  await page.getByLabel('Password', { exact: true }).fill(House.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.waitForURL('**/ui/clients?client=codex');
  await visitor.settled();
  await visitor.leave();
});
