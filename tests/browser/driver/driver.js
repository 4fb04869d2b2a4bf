// Drives the real Chromium for the tests in tests/browser: reads one JSON object a line on standard input, does what it
// says, and answers with one JSON object a line, under the same number. It judges nothing; that is the tests' part.
//
//   node driver.js DIRECTORY CERTIFICATE     DIRECTORY is for the browser's own files, CERTIFICATE for it to trust
//
// It and the browser end when standard input does, also when the tests are killed.

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [home, certificate] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
// No page of ours takes this long; whoever waits longer has found a hang.
const PATIENCE = 120_000;

const browser = await launch();
const contexts = new Map();
const pages = new Map();
let opened = 0;

// Chromium on Linux trusts what is in this database, below the home directory.
async function launch() {
  const database = join(home, '.pki/nssdb');
  mkdirSync(database, { recursive: true });
  const certutil = (...rest) => execFileSync('certutil', ['-d', `sql:${database}`, ...rest]);
  certutil('-N', '--empty-password');
  certutil('-A', '-n', 'samehand tests', '-t', 'C,,', '-i', certificate);
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    // Chromium refuses to sandbox what root runs.
    chromiumSandbox: process.getuid() !== 0,
    env: { ...process.env, HOME: home, XDG_CONFIG_HOME: home, XDG_CACHE_HOME: home },
    // No traffic of its own.
    args: ['--disable-quic', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
}

// A tab and what the tests may ask of it.
const tab = {
  open: ({ page, url }) => status(page, () => page.goto(url, { waitUntil: 'load' })),
  back: ({ page }) => page.goBack({ waitUntil: 'load' }).then(() => null),
  reload: ({ page }) => status(page, () => page.reload({ waitUntil: 'load' })),
  address: ({ page }) => page.url(),
  title: ({ page }) => page.title(),
  text: ({ page }) => page.locator('body').innerText(),
  html: ({ page }) => page.content(),
  fill: ({ page, label, text }) => page.getByLabel(label, { exact: true }).fill(text).then(() => null),
  value: ({ page, label }) => page.getByLabel(label, { exact: true }).inputValue(),
  // By its role and name, as somebody with a screen reader finds it. The next page is there when this returns.
  click: ({ page, role, name }) => leaves(page, () => page.getByRole(role, { name, exact: true }).click()),
  // The same where there are several: the one in the list item or row that says so.
  clickIn: ({ page, role, name, within }) =>
    leaves(page, () => page.locator('li, tr').filter({ hasText: within }).getByRole(role, { name, exact: true }).click()),
  // A button that leads to no page.
  clickHere: ({ page, name }) => page.getByRole('button', { name, exact: true }).click().then(() => null),
  // Waits until the page says so: a script may still be at work.
  async comesToSay({ page, text }) {
    try {
      await page.getByText(text).first().waitFor();
    } catch (error) {
      throw new Error(`${error.message}\nIt says: ${await page.locator('body').innerText()}`);
    }
    return null;
  },
  key: ({ page, key }) => page.keyboard.press(key).then(() => null),
  keyThatLeaves: ({ page, key }) => leaves(page, () => page.keyboard.press(key)),
  type: ({ page, text }) => page.keyboard.type(text).then(() => null),
  // Waits until the field or the button of that name has the focus: a page is given it when it is first drawn, after `load`.
  focusComesTo: ({ page, name }) =>
    page
      .getByLabel(name, { exact: true })
      .or(page.getByRole('button', { name, exact: true }))
      .and(page.locator(':focus'))
      .waitFor()
      .then(() => null),
  forgetCookies: ({ page }) => page.context().clearCookies().then(() => null),
  evaluate: ({ page, script }) => page.evaluate(script),
  evaluateAndLeave: ({ page, script }) => leaves(page, () => page.evaluate(script)),
  async userAgent({ page, value }) {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Emulation.setUserAgentOverride', { userAgent: value });
    return null;
  },
  // Everything that axe finds, in one line each.
  async axe({ page }) {
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document));
    const lines = violations.flatMap(({ id, help, nodes }) => nodes.map(({ html }) => `${id}: ${help}: ${html}`));
    return { violations: lines, passes: passes.length };
  },
  // What stands on the page, without the empty ground around it.
  screenshot: ({ page, path }) => page.locator('main').screenshot({ path }).then(() => null),
  viewport: ({ page, width, height }) => page.setViewportSize({ width, height }).then(() => null),
};

// A window is a person's browser: cookies of its own.
const operations = {
  async window({ socks, javaScript, colorScheme, userAgent }) {
    const context = await browser.newContext({
      javaScriptEnabled: javaScript,
      colorScheme,
      userAgent: userAgent ?? undefined,
      viewport: { width: 800, height: 600 },
      // Names are looked up by whoever answers there, so that example.com is ours. Without it, by the browser itself.
      proxy: socks ? { server: `socks5://${socks}` } : undefined,
    });
    context.setDefaultTimeout(PATIENCE);
    const id = ++opened;
    contexts.set(id, context);
    return id;
  },
  async tab({ window }) {
    const page = await contexts.get(window).newPage();
    const id = ++opened;
    pages.set(id, page);
    return id;
  },
  cookies: ({ window }) => contexts.get(window).cookies(),
  addCookies: ({ window, cookies }) => contexts.get(window).addCookies(cookies).then(() => null),
  // The browser is closed and opened again; what lasts only for the session is gone.
  async closeWindow({ window }) {
    const context = contexts.get(window);
    contexts.delete(window);
    await context.close();
    return null;
  },
};

// The status of the page that a navigation ends at. For an error without a body Chromium shows a page of its own, and
// the navigation counts as failed.
async function status(page, navigate) {
  let last = null;
  const note = (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) last = response.status();
  };
  page.on('response', note);
  try {
    await navigate();
  } catch (error) {
    if (!String(error).includes('ERR_HTTP_RESPONSE_CODE_FAILURE')) throw error;
    await page.waitForURL('chrome-error://**');
  } finally {
    page.off('response', note);
  }
  return last;
}

async function leaves(page, act) {
  await Promise.all([page.waitForEvent('load'), act()]);
  return null;
}

async function answer(line) {
  const { id, operation, ...rest } = JSON.parse(line);
  try {
    const own = operations[operation];
    const result = own ? await own(rest) : await tab[operation]({ ...rest, page: pages.get(rest.tab) });
    return { id, result: result ?? null };
  } catch (error) {
    return { id, error: String(error?.stack ?? error) };
  }
}

console.log(JSON.stringify({ ready: browser.version() }));
for await (const line of createInterface({ input: process.stdin })) {
  // Several tests ask at once, and none waits for another.
  answer(line).then((answered) => console.log(JSON.stringify(answered)));
}
await browser.close();
