// All pages in Firefox: that nothing breaks their policy or throws, and that axe-core finds nothing.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch } from "./firefox.mjs";
import { anonymous, consolePages, inspect, own, password, register, root } from "./pages.mjs";

const base = process.env.MENJIN_URL;

async function open(browser, width) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setViewport({ width, height: 800 });
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  await page.evaluateOnNewDocument(() => {
    window.broken = [];
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) =>
      window.broken.push(`policy: ${effectiveDirective} ${blockedURI}`),
    );
  });
  return { page, faults };
}

/// What is wrong with the page as it is now.
async function faultsOf(page) {
  const broken = await page.evaluate(() => window.broken);
  const { pathname } = new URL(page.url());
  return [...broken.map((fault) => `${pathname}: ${fault}`), ...(await inspect(page))];
}

/// Presses a button that leads to another page.
async function press(page, button) {
  await Promise.all([page.waitForNavigation(), page.click(button)]);
}

async function logIn(page, name) {
  await page.goto(`${base}/account/login`);
  await page.type("#username", name);
  await page.type("#password", password);
  await press(page, "button[value=login]");
  assert.equal(new URL(page.url()).pathname, "/account/profile");
}

for (const [language, width, isDark] of [
  ["zh-CN", 360, false],
  ["en-GB", 1440, true],
]) {
  test(`every page is fit to be used in Firefox: ${language}, ${width} px`, async () => {
    const name = `fox-${width}`;
    await register(name, language);
    const browser = await launch(language, isDark);
    try {
      const { page, faults } = await open(browser, width);
      const look = async (path) => {
        await page.goto(`${base}/${path}`);
        faults.push(...(await faultsOf(page)));
      };
      for (const path of anonymous) await look(`account/${path}`);
      assert.equal(await page.$eval("html", (html) => html.lang), language === "zh-CN" ? "zh-CN" : "en");
      await logIn(page, name);
      for (const path of own) await look(`account/${path}`);
      await press(page, "form.who button");
      await logIn(page, root);
      for (const path of consolePages) await look(`console/${path}`);
      // A list is looked for while somebody types.
      await page.goto(`${base}/console/users`);
      await page.type("#q", name);
      await page.waitForFunction((text) => location.search.includes(`q=${text}`), {}, name);
      assert.equal(await page.$$eval(".items li", (items) => items.length), 1);
      faults.push(...(await faultsOf(page)));
      assert.deepEqual(faults, []);
    } finally {
      await browser.close();
    }
  });
}
