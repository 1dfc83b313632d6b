/**
 * Somebody at a page of the hub, with a theme, a width and a language. Keeps what no page may do: errors in the
 * console, scripts that fail, requests to other hosts. Looks at pages as a person and as axe does.
 */
import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { House } from './house.js';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const SCREENSHOTS = join(import.meta.dirname, 'screenshots');
/** Milliseconds that a page is waited for. Machines of continuous integration are slow and shared. */
const PATIENCE = 30_000;
/** Refusals that belong to a walk and that the console tells as errors. */
const EXPECTED = [/\/api\/auth\/refresh\b/];

export class Visitor {
  /** @type {string[]} */
  #faults = [];
  /** @type {RegExp[]} */
  #expected = [...EXPECTED];

  /**
   * @param {House} house
   * @param {import('playwright-core').BrowserContext} context
   * @param {import('playwright-core').Page} page
   */
  constructor(house, context, page) {
    this.house = house;
    this.context = context;
    this.page = page;
    page.on('pageerror', (error) => this.#faults.push(`script: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      const where = message.location().url;
      const isExpected = this.#expected.some((known) => known.test(where));
      if (message.type() === 'error' && !isExpected) this.#faults.push(`console: ${message.text()} (${where}) at ${page.url()}`);
    });
    page.on('request', (request) => {
      const url = request.url();
      if (/^(https?|wss?):/.test(url) && new URL(url).host !== new URL(house.url).host) this.#faults.push(`foreign: ${url} at ${page.url()}`);
    });
  }

  /**
   * @param {import('playwright-core').Browser} browser
   * @param {House} house
   * @param {{ theme?: 'dark' | 'light', width?: number, language?: string }} [look]
   */
  static async arrive(browser, house, { theme = 'light', width = 1440, language = 'en' } = {}) {
    const context = await browser.newContext({
      baseURL: house.url,
      viewport: { width, height: width < 700 ? 780 : 900 },
      colorScheme: theme,
      locale: language,
      reducedMotion: 'reduce',
      // Walks are about pages as they are served, not as they were kept.
      serviceWorkers: 'block'
    });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: house.url });
    await context.addInitScript((chosen) => {
      if (!localStorage.getItem('bridge.language')) localStorage.setItem('bridge.language', chosen);
    }, language);
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    return new Visitor(house, context, page);
  }

  /** Logs in without the page: the browser gets the cookie that the log-in page would have got. */
  async signIn(email = House.email, password = House.password) {
    const answer = await this.context.request.post('/api/auth/login', { data: { email, password } });
    assert.ok(answer.ok(), `log-in: ${answer.status()} ${await answer.text()}`);
  }

  /**
   * Goes to a page and waits until it has settled: a heading, and no skeleton any more.
   * @param {string} path below `/ui`
   */
  async open(path) {
    await this.page.goto(`/ui${path}`);
    await this.settled();
  }

  /** Waits until the page shows what it has. */
  async settled() {
    await this.page.locator('h1').first().waitFor();
    await this.page.waitForFunction(() => !document.querySelector('.animate-pulse.bg-sunken'), undefined).catch(() => {
      throw new Error(`${this.page.url()} still loads after ${PATIENCE / 1000} seconds`);
    });
  }

  /** @param {number} width */
  async resize(width) {
    await this.page.setViewportSize({ width, height: width < 700 ? 780 : 900 });
  }

  /** @param {'dark' | 'light'} theme */
  async wear(theme) {
    await this.page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await this.page.waitForFunction((dark) => document.documentElement.classList.contains('dark') === dark, theme === 'dark');
  }

  /**
   * Says that a refusal from here belongs to the walk.
   * @param {RegExp} address
   */
  expectRefusal(address) {
    this.#expected.push(address);
  }

  /**
   * Writes a screenshot of what is in sight.
   * @param {string} name
   * @param {{ whole?: boolean }} [options]
   */
  async look(name, { whole = false } = {}) {
    await mkdir(SCREENSHOTS, { recursive: true });
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: whole, animations: 'disabled' });
  }

  /** What axe finds serious or critical, one line each. */
  async barriers() {
    if (!(await this.page.evaluate(() => 'axe' in window))) await this.page.evaluate(await readFile(AXE, 'utf8'));
    return this.page.evaluate(async () => {
      const { axe } = /** @type {any} */ (window);
      const { violations } = await axe.run(document, { resultTypes: ['violations'] });
      return violations
        .filter((/** @type {any} */ found) => found.impact === 'serious' || found.impact === 'critical')
        .map((/** @type {any} */ found) => `${found.id}: ${found.help}: ${found.nodes.slice(0, 3).map((/** @type {any} */ node) => `${node.target} ${node.html.slice(0, 160)}`).join(' | ')}`);
    });
  }

  /**
   * What makes the page wider than the window; wide things must scroll inside themselves. `after` gives what follows
   * the width by script, such as charts, time to do so.
   * @param {{ after?: number }} [options]
   */
  async overflow({ after = 0 } = {}) {
    if (after) await this.page.waitForTimeout(after);
    return this.page.evaluate(() => {
      const room = document.documentElement.clientWidth;
      const excess = document.documentElement.scrollWidth - room;
      if (excess <= 0) return '';
      const isOut = (/** @type {Element} */ element) => {
        const box = element.getBoundingClientRect();
        return box.width > 0 && (box.right > room + 0.5 || box.left < -0.5);
      };
      const culprit = [...document.body.querySelectorAll('*')].filter(isOut).findLast((element) => ![...element.children].some(isOut));
      return `${excess} px: ${culprit?.outerHTML.slice(0, 160) ?? 'nothing in sight'}`;
    });
  }

  /** Takes what went wrong so far. */
  takeFaults() {
    return this.#faults.splice(0);
  }

  /** Fails if anything went wrong, and leaves. */
  async leave() {
    await this.context.close();
    assert.deepEqual(this.takeFaults(), []);
  }
}
