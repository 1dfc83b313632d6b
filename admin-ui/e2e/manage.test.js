/** Running the hub with others: settings and the audit, people and their roles, the system, and one's own choices. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.js';
import { House } from './house.js';
import { until } from './until.js';
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

/**
 * The page's part under a heading.
 * @param {Visitor} visitor
 * @param {string} title
 */
function panel({ page }, title) {
  return page.locator('section').filter({ has: page.getByRole('heading', { name: title, exact: true }) });
}

/** @param {Visitor} visitor */
function pages({ page }) {
  return page.getByRole('navigation', { name: 'Pages' });
}

/**
 * Logs in as a person does.
 * @param {Visitor} visitor
 * @param {string} email
 * @param {string} password
 */
async function logIn({ page }, email, password) {
  await page.locator('input[name=email]').fill(email);
  await page.locator('input[name=password]').fill(password);
  await page.locator('button[type=submit]').click();
}

test('a setting is changed, and the audit says by whom', { timeout: 120_000 }, async () => {
  const retention = async () => {
    const { settings } = await house.call('GET', '/api/config');
    return settings.find((/** @type {{ key: string }} */ setting) => setting.key === 'RETENTION_DAYS');
  };
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/settings');
  const usual = (await retention()).value;
  assert.notEqual(usual, 45);
  await page.getByLabel('RETENTION_DAYS', { exact: true }).fill('45');
  await page.getByText('1 change is not saved yet.').waitFor();
  assert.equal((await retention()).value, usual, 'nothing is changed before it was reviewed');
  await page.getByRole('button', { name: 'Review and save' }).click();
  const review = page.getByRole('dialog');
  await review.getByRole('row', { name: /RETENTION_DAYS.*45/ }).waitFor();
  await visitor.look('settings-review');
  assert.deepEqual(await visitor.barriers(), []);
  await review.getByRole('button', { name: 'Save' }).click();
  await page.getByText('The settings are saved and in force.').first().waitFor();
  assert.equal((await retention()).value, 45);
  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('row', { name: /RETENTION_DAYS.*45/ }).waitFor();

  await pages(visitor).getByRole('link', { name: 'Audit' }).click();
  await page.getByLabel('Kind').fill('setting');
  await page.waitForURL('**kind=setting**');
  const change = page.getByRole('row', { name: /setting RETENTION_DAYS/ });
  await change.getByText(House.email).waitFor();
  await change.getByRole('button', { name: 'Details' }).click();
  await page.getByRole('dialog').getByRole('row', { name: /value.*45/ }).waitFor();
  await visitor.look('audit-details');
  assert.deepEqual(await visitor.barriers(), []);
  await page.keyboard.press('Escape');

  // The way back is as short, and stands in the audit as well.
  await pages(visitor).getByRole('link', { name: 'Settings' }).click();
  await page.getByRole('button', { name: 'To the default: RETENTION_DAYS' }).click();
  await page.getByRole('button', { name: 'Review and save' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await until(async () => (await retention()).source === 'default');
  assert.equal((await retention()).value, usual);
  await visitor.open('/audit?kind=setting&action=delete');
  await page.getByRole('row', { name: /setting RETENTION_DAYS/ }).waitFor();
  await visitor.leave();
});

test('somebody who is invited sees what their role allows', { timeout: 180_000 }, async () => {
  const email = 'grace@example.com';
  const own = 'a phrase that only Grace knows';
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/users');
  await page.getByRole('button', { name: 'Invite somebody' }).click();
  const invitation = page.getByRole('dialog', { name: 'Invite somebody' });
  await invitation.getByLabel('E-mail').fill(email);
  await invitation.getByLabel('Name').fill('Grace');
  await invitation.getByLabel('Role').selectOption('viewer');
  await invitation.getByText('Sees everything, changes nothing.').waitFor();
  await invitation.getByRole('button', { name: 'Invite somebody' }).click();
  const made = page.getByRole('dialog', { name: 'Grace' });
  const password = (await made.locator('pre').nth(1).textContent())?.trim() ?? '';
  assert.ok(password.length >= 12, 'a password is made and shown');
  await visitor.look('user-invited');
  await made.getByRole('button', { name: 'I have copied it' }).click();
  const row = page.getByRole('row', { name: /Grace.*Viewer/ });
  await row.getByText('Must choose a password').waitFor();

  const guest = await Visitor.arrive(browser, house);
  await guest.open('/login');
  await logIn(guest, email, password);
  await guest.page.getByRole('heading', { name: 'Choose your own password' }).waitFor();
  await guest.page.getByLabel('New password').fill(own);
  await guest.page.getByRole('button', { name: 'Save the password' }).click();
  await guest.page.getByRole('heading', { level: 1, name: 'Dashboard' }).waitFor();
  await pages(guest).getByRole('link', { name: 'Settings' }).click();
  await guest.page.getByLabel('RETENTION_DAYS', { exact: true }).waitFor();
  assert.ok(await guest.page.getByLabel('RETENTION_DAYS', { exact: true }).isDisabled());
  for (const name of ['People', 'Audit']) assert.equal(await pages(guest).getByRole('link', { name }).count(), 0, name);
  await pages(guest).getByRole('link', { name: 'Providers' }).click();
  await guest.page.getByRole('row', { name: /demo-openai/ }).waitFor();
  assert.equal(await guest.page.getByRole('button', { name: /^(Add a provider|Test|Actions)/ }).count(), 0);
  // An address typed by hand leads no further.
  guest.expectRefusal(/\/api\/users/);
  await guest.open('/users');
  await guest.page.getByText('Your role does not allow this.').waitFor();
  assert.equal(await guest.page.getByRole('button', { name: 'Invite somebody' }).count(), 0);
  await guest.look('users-refused');

  // Another role is in force at once, and so is a lock-out.
  await page.getByRole('link', { name: 'Grace' }).click();
  await page.getByLabel('Role').selectOption('operator');
  await page.getByRole('button', { name: 'Save' }).first().click();
  await page.getByText('Saved.', { exact: true }).waitFor();
  await guest.open('/providers');
  await guest.page.getByRole('button', { name: 'Add a provider' }).first().waitFor();
  await guest.open('/api-keys?new=1');
  await guest.page.getByRole('dialog').getByLabel('Owner').waitFor();
  await page.getByRole('button', { name: 'Lock out' }).click();
  await page.getByText('Grace is locked out.').waitFor();
  guest.expectRefusal(/\/api\//);
  await guest.page.goto('/ui/providers');
  await guest.page.waitForURL('**/ui/login**');
  await logIn(guest, email, own);
  await guest.page.getByRole('alert').waitFor();
  await guest.leave();
  await visitor.leave();
});

test('the system says what runs, and its configuration comes back from a file', { timeout: 120_000 }, async () => {
  await house.call('POST', '/api/aliases', { name: 'fast', model: 'demo-openai' });
  const system = await house.call('GET', '/api/system');
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await visitor.signIn();
  await visitor.open('/system');
  await panel(visitor, 'Program').getByText(system.version, { exact: true }).waitFor();
  const database = panel(visitor, 'Database');
  await database.getByText(system.database.kind, { exact: true }).waitFor();
  assert.equal(await database.getByText('Applied', { exact: true }).count(), system.database.migrations.length);
  await page.getByText('The demonstration is on').waitFor();

  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'Export' }).click()]);
  assert.equal(download.suggestedFilename(), 'llm-bridge.yml');
  const file = await readFile(await download.path(), 'utf8');
  assert.match(file, /fast/);
  assert.ok(!file.includes(House.password) && !file.includes(house.welcome.key), 'no secret is taken along');
  await house.call('DELETE', '/api/aliases/fast');

  await page.getByLabel('Document', { exact: true }).fill(file);
  await page.getByRole('button', { name: 'Show what would change' }).click();
  await page.getByText('1 difference', { exact: true }).waitFor();
  await page.getByRole('listitem').filter({ hasText: 'create' }).getByText('fast', { exact: true }).first().waitFor();
  await visitor.look('system-import', { whole: true });
  assert.deepEqual(await visitor.barriers(), []);
  await page.getByRole('button', { name: 'Take it in' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Take it in' }).click();
  await page.getByText('The document is taken in.').waitFor();
  assert.equal((await house.call('GET', '/api/aliases/fast')).model, 'demo-openai');
  await visitor.leave();
});

test('language and theme follow into another browser', { timeout: 90_000 }, async () => {
  const first = await Visitor.arrive(browser, house, { theme: 'light' });
  await first.signIn();
  await first.open('/');
  await first.page.getByLabel('Theme').selectOption('dark');
  await first.page.getByLabel('Language').selectOption('de');
  await until(async () => {
    const kept = await house.call('GET', '/api/preferences');
    return kept.theme === 'dark' && kept.language === 'de';
  });
  await first.leave();

  // What this browser had before the log-in gives way to what the account keeps.
  const second = await Visitor.arrive(browser, house, { theme: 'light' });
  const { page } = second;
  await second.open('/login');
  await page.getByLabel('Language').selectOption('fr');
  await page.waitForFunction(() => document.documentElement.lang === 'fr');
  await logIn(second, House.email, House.password);
  const isAsKept = () => page.waitForFunction(() => document.documentElement.lang === 'de' && document.documentElement.classList.contains('dark'));
  await page.getByRole('navigation', { name: 'Seiten' }).waitFor();
  await isAsKept();
  await second.look('preferences-followed');
  await page.reload();
  await page.getByRole('navigation', { name: 'Seiten' }).waitFor();
  await isAsKept();
  await second.leave();
});
