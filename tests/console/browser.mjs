// What the tests share: a browser, a login, and what must hold on every page.

import { AxeBuilder } from '@axe-core/playwright';
import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const environment = (name) => {
  const value = process.env[name];
  assert.ok(value, `${name} is not set: run \`cargo xtask console-test\``);
  return value;
};

export const url = environment('KOPPEL_URL');
const user = environment('KOPPEL_USER');
const password = environment('KOPPEL_PASSWORD');

/** The page of a run that is not there. */
export const PROBLEM = '/console/all/runs/b14acd0d-75d7-4fc8-8b22-4a3924585cab';

/** Where screenshots go, if they are wanted. */
const screenshots = process.env.KOPPEL_SCREENSHOTS;
export const pictures = Boolean(screenshots);

export const DESKTOP = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export const launch = () => chromium.launch({
  executablePath: environment('KOPPEL_CHROMIUM'),
  // Chromium has no sandbox of its own for root.
  args: process.getuid() === 0 ? ['--no-sandbox'] : [],
});

/** What a browser keeps once somebody is logged in, so that it is done once. */
let session;

/** Fills in the login page. */
export const logIn = async (page) => {
  await page.getByRole('textbox', { name: /User id|Gebruikersnaam/ }).fill(user);
  await page.getByLabel(/Password|Wachtwoord/).fill(password);
  await page.getByRole('button').click();
  await page.waitForURL(`${url}/console/**`);
};

/**
 * A browser in which a user is logged in. What it complains of, such as what
 * the policy of the page forbids, ends the test.
 */
export const visitor = async (browser, options = {}) => {
  const context = await browser.newContext({
    locale: 'en-GB', timezoneId: 'UTC', viewport: DESKTOP, storageState: session, ...options,
  });
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (message) => {
    // What htmx says of a stream that ends because its page is left.
    const left = message.text() === '[object Event]' && message.location().url.includes('/htmx.js');
    // A browser says of a page that is not there that it is not.
    const problem = message.location().url === url + PROBLEM;
    if (['error', 'warning'].includes(message.type()) && !left && !problem) {
      complaints.push(message.text());
    }
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (to.origin !== url) {
      complaints.push(`a request to ${to.origin}`);
    }
  });
  await page.goto(`${url}/console`);
  if (new URL(page.url()).pathname !== '/console/all') {
    await logIn(page);
    session ??= await context.storageState();
  }
  return {
    page,
    context,
    done: async () => {
      assert.deepEqual(complaints, []);
      await context.close();
    },
  };
};

/** Nothing that axe finds, and no wider than the screen. */
export const wellMade = async (page) => {
  const found = await new AxeBuilder({ page }).analyze();
  const violations = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n  ')}`);
  assert.deepEqual(violations, [], page.url());
  const [wide, room] = await page.evaluate(() => [
    document.documentElement.scrollWidth, document.documentElement.clientWidth,
  ]);
  assert.ok(wide <= room, `${page.url()} is ${wide} wide, and the screen ${room}`);
};

/** A picture of a page, if they are wanted. */
export const picture = async (page, name) => {
  if (screenshots) {
    await mkdir(screenshots, { recursive: true });
    await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
  }
};
