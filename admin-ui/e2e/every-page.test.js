/** Every page, in both themes, at three widths, in English and in Arabic: no error, no foreign request, no barrier. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openBrowser } from './browser.js';
import { House } from './house.js';
import { furnish, paths } from './pages.js';
import { Visitor } from './visitor.js';

const WIDTHS = [1440, 768, 360];
/** Axe reads the whole page each time: both themes where there is most to see, and what direction changes once. */
const AXE = new Set(['en light 1440', 'en dark 1440', 'en dark 360', 'ar light 360']);
const LOOKS = process.env.E2E_LOOK === '1';
const OUTSIDE = new Set(['/login']);

/** @type {House} */
let house;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {string[]} */
let walk;

before(async () => {
  house = await House.open();
  browser = await openBrowser();
  const only = process.env.E2E_ONLY;
  walk = paths(await furnish(house)).filter((path) => !only || path.startsWith(only));
});

after(async () => {
  await browser?.close();
  await house?.close();
});

for (const language of ['en', 'ar']) {
  test(`every page in ${language}`, { timeout: 480_000 }, async (context) => {
    const inside = await Visitor.arrive(browser, house, { language });
    await inside.signIn();
    const outside = await Visitor.arrive(browser, house, { language });
    for (const path of walk) {
      await context.test(path, async () => inspect(OUTSIDE.has(path) ? outside : inside, path, language));
    }
    await inside.leave();
    await outside.leave();
  });
}

/**
 * @param {Visitor} visitor
 * @param {string} path
 * @param {string} language
 */
async function inspect(visitor, path, language) {
  /** @type {string[]} */
  const flaws = [];
  await visitor.resize(1440);
  await visitor.wear('light');
  await visitor.open(path);
  for (const theme of /** @type {const} */ (['light', 'dark'])) {
    await visitor.wear(theme);
    for (const width of WIDTHS) {
      const view = `${theme} ${width}`;
      await visitor.resize(width);
      const wide = (await visitor.overflow()) && (await visitor.overflow({ after: 200 }));
      if (wide) flaws.push(`${view}: the page scrolls sideways by ${wide}`);
      if (AXE.has(`${language} ${view}`)) flaws.push(...(await visitor.barriers()).map((barrier) => `${view}: ${barrier}`));
      if (LOOKS) await visitor.look(`${path.slice(1).replaceAll('/', '-') || 'dashboard'}-${language}-${theme}-${width}`);
    }
  }
  assert.equal(await visitor.page.locator('h1').count(), 1, 'a page has one heading of the first level');
  assert.deepEqual([...visitor.takeFaults(), ...flaws], []);
}
