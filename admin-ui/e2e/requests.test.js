/** Requests: seen live, peeked at by keyboard, and looked into; and neither many rows nor a large body stop the page. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.js';
import { House } from './house.js';
import { Visitor } from './visitor.js';

/** Milliseconds that the page may be deaf at a time. Machines of continuous integration are slow and shared. */
const DEAF = 2_000;
const ROWS = 100_000;
const BODY = 5 * 1024 * 1024;

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

/** A request that OpenAI Chat cannot carry whole: it has no `top_k`. */
function askAnthropic() {
  return fetch(`${house.url}/v1/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-api-key': house.welcome.key, 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({
      model: 'demo-openai/demo-model-chat',
      max_tokens: 200,
      top_k: 5,
      stream: true,
      system: 'Be brief.',
      messages: [{ role: 'user', content: 'demo:reasoning Hello' }]
    })
  }).then((answer) => answer.text());
}

test('send a request, see it live in the log, open the inspector', { timeout: 120_000 }, async () => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  // A request that is told live is asked for before it is written, where the machine is slow.
  visitor.expectRefusal(/\/api\/logs\/req_/);
  await visitor.signIn();
  await visitor.open('/logs');
  await page.getByText('No requests yet').waitFor();
  await page.getByText('Live', { exact: true }).waitFor();

  await askAnthropic();
  const row = page.getByRole('row', { name: /demo-openai\/demo-model-chat/ });
  await row.first().waitFor();
  await house.ask({ model: 'demo-gemini/demo-model-generate' });
  await page.getByRole('row', { name: /demo-gemini/ }).first().waitFor();

  // J opens the newest, J again the one below it, K goes back, Esc closes.
  const peek = page.getByRole('complementary', { name: 'Request' });
  await page.keyboard.press('j');
  await peek.getByRole('link', { name: 'demo-gemini', exact: true }).waitFor();
  await page.keyboard.press('j');
  await peek.getByText('top_k', { exact: true }).waitFor();
  await visitor.look('requests-peek');
  await page.keyboard.press('Escape');
  await peek.waitFor({ state: 'detached' });

  // What is looked for is in the address, and narrows what comes live.
  await page.getByLabel('Outcome').selectOption('error');
  await page.waitForURL('**outcome=error**');
  await page.getByText('No request fits').waitFor();
  await house.ask({ model: 'demo-openai', text: 'demo:error-400' });
  await page.getByRole('row', { name: /400 Error/ }).first().waitFor();
  await page.getByRole('button', { name: 'All requests' }).first().click();

  await row.first().click();
  await peek.getByRole('link', { name: 'Inspect' }).click();
  await page.getByRole('heading', { level: 1, name: /demo-openai/ }).waitFor();
  const lost = page.getByRole('listitem').filter({ hasText: 'top_k' }).filter({ hasText: 'not there' });
  await lost.getByText('Dropped').waitFor();
  await page.getByText('messages[0].content', { exact: false }).first().waitFor();
  assert.deepEqual(await visitor.barriers(), []);
  assert.equal(await visitor.overflow(), '');
  await visitor.look('requests-inspector', { whole: true });

  await page.getByRole('tab', { name: 'Response' }).click();
  await page.getByText('usage.output_tokens').first().waitFor();
  await page.getByRole('tab', { name: 'Stream events' }).click();
  await page.getByText('content_block_delta').first().waitFor();
  await page.getByText(/^text: Hello/).first().waitFor();
  await page.getByRole('tab', { name: 'Bodies' }).click();
  await page.getByRole('region', { name: /Client request/ }).getByText('top_k').waitFor();

  await page.getByRole('button', { name: 'Copy as curl' }).click();
  const command = (await page.getByRole('dialog').locator('pre').textContent()) ?? '';
  assert.match(command, /\/v1\/messages/);
  assert.match(command, /\$LLM_BRIDGE_KEY/);
  assert.ok(!command.includes(house.welcome.key));
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Send again' }).click();
  await page.getByText('Sent again, answered with 200.').waitFor();
  await visitor.leave();
});

/**
 * A row as the server lists it.
 * @param {number} place
 */
function made(place) {
  return {
    id: `req_${String(place).padStart(8, '0')}`,
    at: Date.now() - place * 1000,
    call: 'generate',
    ingress: 'openai-chat',
    upstream: 'anthropic',
    tags: ['load'],
    provider: 'somebody',
    model_asked: `model-${place % 7}`,
    model_served: 'served',
    route: 'rule',
    stream: true,
    outcome: 'ok',
    status: 200,
    tokens: null,
    total_ms: 100 + (place % 900),
    first_byte_ms: 50,
    attempts: 1,
    fidelity: []
  };
}

/** @param {import('playwright-core').Page} page */
function watchTasks(page) {
  return page.addInitScript(() => {
    const seen = /** @type {any} */ (window);
    seen.longest = 0;
    new PerformanceObserver((list) => list.getEntries().forEach((entry) => (seen.longest = Math.max(seen.longest, entry.duration)))).observe({ type: 'longtask', buffered: true });
  });
}

/**
 * The longest time that the page was deaf since the last look.
 * @param {import('playwright-core').Page} page
 */
function longestTask(page) {
  return page.evaluate(() => {
    const seen = /** @type {any} */ (window);
    const { longest } = seen;
    seen.longest = 0;
    return Math.round(longest);
  });
}

test(`${ROWS} requests do not stop the page`, { timeout: 120_000 }, async (context) => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await watchTasks(page);
  await visitor.signIn();
  let asked = 0;
  await page.route('**/api/logs?*', async (route) => {
    asked++;
    const from = Number(new URL(route.request().url()).searchParams.get('cursor') ?? 0);
    const limit = Number(new URL(route.request().url()).searchParams.get('limit') ?? 50);
    assert.ok(limit <= 100, `a page of ${limit}`);
    const items = Array.from({ length: Math.min(limit, ROWS - from) }, (_, place) => made(from + place));
    await route.fulfill({ json: { items, ...(from + limit < ROWS ? { next: String(from + limit) } : {}) } });
  });
  // A fiftieth of them comes at once, live.
  const burst = Array.from({ length: ROWS / 50 }, (_, place) => `event: request\ndata: ${JSON.stringify({ ...made(place), id: `live_${place}` })}\n\n`).join('');
  let told = false;
  await page.route('**/api/logs/tail*', async (route) => {
    await route.fulfill({ contentType: 'text/event-stream', body: told ? ': wait\n\n' : burst });
    told = true;
  });

  await visitor.open('/logs');
  await page.getByRole('row', { name: /model-/ }).first().waitFor();
  await page.waitForTimeout(1_500);
  const opening = await longestTask(page);
  const shown = await page.getByRole('row').count();
  assert.ok(shown <= 600, `${shown} rows in the page`);
  for (let turn = 0; turn < 6; turn++) {
    await page.getByRole('button', { name: 'Load more' }).click();
    await page.waitForTimeout(200);
  }
  const paging = await longestTask(page);
  for (let turn = 0; turn < 10; turn++) await page.keyboard.press('j');
  const walking = await longestTask(page);
  assert.ok(asked <= 10, `${asked} questions to the server`);
  context.diagnostic(`longest task: opening with ${ROWS / 50} live rows ${opening} ms, paging ${paging} ms, walking ${walking} ms; ${shown} rows in the page`);
  for (const task of [opening, paging, walking]) assert.ok(task < DEAF, `deaf for ${task} ms`);
  await visitor.leave();
});

test('a body of five megabytes does not stop the page', { timeout: 120_000 }, async (context) => {
  const visitor = await Visitor.arrive(browser, house);
  const { page } = visitor;
  await watchTasks(page);
  await visitor.signIn();
  const messages = [];
  for (let size = 0, turn = 0; size < BODY - 1_200_000; turn++) {
    const content = `Turn ${turn}: ${'words that somebody said and that take room. '.repeat(20)}`;
    messages.push({ role: turn % 2 ? 'assistant' : 'user', content });
    size += content.length + 40;
  }
  messages.push({ role: 'user', content: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'iVBORw0KGgo'.padEnd(1_100_000, 'A')}` } }] });
  const request = JSON.stringify({ model: 'm', seed: 7, messages });
  const upstream = JSON.stringify({
    model: 'm',
    max_tokens: 32000,
    messages: messages.slice(0, -1).map(({ role, content }) => ({ role, content: [{ type: 'text', text: content }] }))
  });
  const body = (/** @type {string} */ text) => ({ bytes: text.length, text });
  await page.route('**/api/logs/req_large', (route) =>
    route.fulfill({
      json: {
        request: { ...made(1), id: 'req_large' },
        attempts: [{ provider: 'somebody', model: 'm', status: 200, ms: 90 }],
        trace: ['rule `rule` matched'],
        fidelity: [{ code: 'dropped:seed', action: 'dropped', member: 'seed', detail: 'no such member' }],
        capture: { client_request: body(request), upstream_request: body(upstream), upstream_answer: body('{}'), client_answer: body('{}') }
      }
    })
  );
  const begun = Date.now();
  await visitor.open('/logs/req_large');
  await page.getByText('Renamed').first().waitFor();
  const aligned = Date.now() - begun;
  const aligning = await longestTask(page);
  assert.ok((await page.getByRole('listitem').count()) < 600, 'the page holds no more than is shown');
  await page.getByRole('tab', { name: 'Bodies' }).click();
  const tree = page.getByRole('group', { name: /Client request/ });
  await tree.getByRole('button', { name: /messages/ }).waitFor();
  await tree.getByRole('button', { name: /more$/ }).first().click();
  await page.waitForTimeout(300);
  const folding = await longestTask(page);
  const size = await page.evaluate(() => document.querySelectorAll('*').length);
  assert.ok(size < 12_000, `${size} elements in the page`);
  context.diagnostic(`${(request.length / 1024 / 1024).toFixed(1)} MB: aligned after ${aligned} ms; longest task: aligning ${aligning} ms, unfolding ${folding} ms; ${size} elements in the page`);
  for (const task of [aligning, folding]) assert.ok(task < DEAF, `deaf for ${task} ms`);
  await visitor.leave();
});
