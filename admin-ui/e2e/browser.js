/** The browser of the walks: Debian's Chromium, or the one that CHROMIUM names. It never speaks to its maker. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome-stable', '/usr/bin/google-chrome'];
const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
];

/** Opens a browser with a profile of its own; close it at the end of the file. */
export async function openBrowser() {
  const program = process.env.CHROMIUM ?? PLACES.find((place) => existsSync(place));
  if (!program) throw new Error('no Chromium here: run admin-ui/e2e/run.sh, or name one in CHROMIUM');
  return chromium.launch({ executablePath: program, headless: true, args: QUIET });
}
