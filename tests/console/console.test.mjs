// The console in a real browser.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { DESKTOP, PHONE, PROBLEM, launch, logIn, picture, pictures, url, visitor, wellMade } from './browser.mjs';

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

/** The path of a page of the first employer that the demonstration has something of. */
const ofEmployer = async (page, section) => {
  await page.goto(`${url}/console/all/employers?to=/${section}`);
  const first = page.locator('.choices a').nth(1);
  await first.click();
  await page.waitForURL(`${url}/console/*/${section}`);
};

/** Submits a test of the connection, and gives the address of its run. */
const submit = async (page) => {
  await ofEmployer(page, 'runs');
  await page.getByRole('link', { name: /Submit a run|Run aanbieden/ }).click();
  await page.locator('#client').selectOption('journal-xaf');
  await page.locator('#kind').selectOption('check');
  await page.getByRole('button', { name: /^(Submit|Aanbieden)$/ }).click();
  await page.waitForURL(/\/runs\/[0-9a-f-]{36}$/);
  return page.url();
};

/** The pages, by a name for their pictures. */
const pages = async (page) => {
  await page.goto(`${url}/console/all/messages`);
  const message = await page.locator('tbody th a').first().getAttribute('href');
  await page.goto(`${url}/console/all/runs`);
  const run = await page.locator('tbody th a').first().getAttribute('href');
  await page.goto(`${url}/console/all/why`);
  const why = await page.locator('td a').first().getAttribute('href');
  await page.goto(`${url}/console/all/employers`);
  const employer = await page.locator('.choices a').nth(1).getAttribute('href');
  return {
    overview: '/console/all',
    connectors: '/console/all/connectors',
    connector: '/console/all/connectors/journal-exact',
    why,
    runs: '/console/all/runs',
    run,
    'new-run': `${employer}/runs/new`,
    messages: '/console/all/messages',
    message: `${message}?view=pretty`,
    modules: `${employer}/modules`,
    ledger: '/console/all/ledger?verify=now',
    employers: '/console/all/employers',
    problem: PROBLEM,
  };
};

// Every pair of device, colours and language; all of them for pictures.
const looks = [
  ['desktop', 'light', 'en'], ['desktop', 'dark', 'nl'], ['phone', 'light', 'nl'], ['phone', 'dark', 'en'],
  ...pictures ? [
    ['desktop', 'light', 'nl'], ['desktop', 'dark', 'en'], ['phone', 'light', 'en'], ['phone', 'dark', 'nl'],
  ] : [],
];

for (const [device, colorScheme, language] of looks) {
  test(`every page is well made: ${device}, ${colorScheme}, ${language}`, async () => {
    const viewport = device === 'phone' ? PHONE : DESKTOP;
    const locale = { en: 'en-GB', nl: 'nl-NL' }[language];
    const { page, done } = await visitor(browser, { viewport, colorScheme, locale });
    for (const [name, path] of Object.entries(await pages(page))) {
      await page.goto(url + path);
      assert.equal(await page.locator('html').getAttribute('lang'), language);
      await picture(page, `${name}-${device}-${colorScheme}-${language}`);
      await wellMade(page);
    }
    await done();
  });
}

test('a list of runs and a run change while they are looked at', async () => {
  const watching = await visitor(browser);
  await watching.page.goto(`${url}/console/all/runs`);
  const rows = watching.page.locator('tbody tr');
  const first = await rows.first().textContent();
  const acting = await visitor(browser);
  const address = await submit(acting.page);
  const id = address.split('/').at(-1).slice(0, 8);
  // Nobody loads the page again.
  await rows.first().filter({ hasText: id }).waitFor();
  assert.notEqual(await rows.first().textContent(), first);
  await rows.first().getByText('Succeeded').waitFor();
  await acting.page.getByText('Succeeded').first().waitFor();
  await acting.page.getByText('Attempt 1').waitFor();
  await wellMade(acting.page);
  await watching.done();
  await acting.done();
});

test('without scripts everything but that works', async () => {
  const { page, done } = await visitor(browser, { javaScriptEnabled: false });
  const address = await submit(page);
  for (let tries = 0; tries < 50 && !await page.getByText('Succeeded').first().isVisible(); tries += 1) {
    await page.waitForTimeout(200);
    await page.goto(address);
  }
  assert.ok(await page.getByText('Succeeded').first().isVisible());
  await ofEmployer(page, 'modules');
  const row = page.getByRole('row', { name: /fleurtjedag/ });
  await row.getByRole('button', { name: 'Turn on fleurtjedag' }).click();
  await row.getByText('on', { exact: true }).waitFor();
  await row.getByRole('button', { name: 'Turn off fleurtjedag' }).click();
  await row.getByText('off', { exact: true }).waitFor();
  await page.goto(`${url}/console/all/ledger`);
  await page.getByRole('button', { name: 'Verify now' }).click();
  await page.getByText('The chain is intact').waitFor();
  await done();
});

test('a denial is explained with the line that would change it', async () => {
  const { page, done } = await visitor(browser);
  await page.goto(`${url}/console/all/why`);
  await page.getByRole('row', { name: /tim/ }).getByRole('link', { name: /Explain/ }).first().click();
  await page.getByText('Would be green with').waitFor();
  await page.getByText('[[users]] id = "tim" rights = ["employers", "journal"]').waitFor();
  // The form asks the same of somebody else.
  await page.getByLabel('User').selectOption('anna');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByText('Allowed').waitFor();
  await done();
});

test('the exact bytes of a message are downloaded', async () => {
  const { page, done } = await visitor(browser);
  await page.goto(`${url}/console/all/messages?kind=export-file`);
  await page.locator('tbody th a').first().click();
  const sha256 = await page.locator('dt:text-is("SHA-256") + dd').textContent();
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Download the exact bytes' }).click(),
  ]);
  const bytes = await readFile(await download.path());
  assert.equal(createHash('sha256').update(bytes).digest('hex'), sha256.trim());
  assert.match(download.suggestedFilename(), /\.xaf$/);
  await done();
});

test('it can be used by keyboard, in another language, and left', async () => {
  // In a session of its own, which it ends.
  const { page, context, done } = await visitor(browser, { storageState: undefined });
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the content');
  await page.keyboard.press('Enter');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
  await page.getByRole('button', { name: 'Nederlands' }).click();
  await page.getByRole('heading', { level: 1, name: 'Overzicht' }).waitFor();
  await page.getByRole('button', { name: 'Uitloggen' }).click();
  await page.getByRole('heading', { name: 'U bent uitgelogd' }).waitFor();
  await wellMade(page);
  await picture(page, 'logged-out');
  await page.goBack();
  await page.reload();
  await page.getByRole('heading', { name: 'Inloggen' }).waitFor();
  await wellMade(page);
  await picture(page, 'login');
  await logIn(page);
  const cookies = await context.cookies();
  const session = cookies.find(({ name }) => name === 'koppel-console');
  assert.deepEqual([session.httpOnly, session.sameSite], [true, 'Lax']);
  await done();
});
