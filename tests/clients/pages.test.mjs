// The pages of an account in a real browser: with the keyboard alone, without a script, in both languages, on
// a telephone and on a wide screen, light and dark. A page that breaks its own policy, throws, or is hard to
// use for somebody (axe-core) fails.

import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { launch } from "./chromium.mjs";
import { anonymous, consolePages, inspect, own, password, register, root } from "./pages.mjs";

const base = process.env.MENJIN_URL;
const pictures = process.env.MENJIN_PICTURES;
let browser;

before(async () => {
  browser = await launch();
  if (pictures) await mkdir(pictures, { recursive: true });
});

after(() => browser?.close());

async function open(options = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // What is refused is answered with 4xx, which the console calls an error.
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) faults.push(message.text());
  });
  return { page, faults };
}

async function logIn(page, name) {
  await page.goto(`${base}/account/login`);
  await page.locator("#username").fill(name);
  await page.locator("#password").fill(password);
  await page.locator("button[value=login]").click();
  await page.waitForURL("**/account/profile");
}

for (const locale of ["zh-CN", "en-GB"]) {
  for (const width of [360, 1440]) {
    for (const colorScheme of ["light", "dark"]) {
      test(`every page is fit to be used: ${locale}, ${width} px, ${colorScheme}`, async () => {
        const name = `look-${locale}-${width}-${colorScheme}`.toLowerCase();
        await register(name, locale);
        const viewport = { width, height: 800 };
        const { page, faults } = await open({ locale, viewport, colorScheme });
        const look = async (path) => {
          await page.goto(`${base}/account/${path}`);
          faults.push(...(await inspect(page)));
          if (!pictures) return;
          const picture = `${pictures}/${path}-${locale}-${width}-${colorScheme}.png`;
          await page.screenshot({ path: picture, fullPage: true });
        };
        for (const path of anonymous) await look(path);
        // What is refused, too.
        await page.goto(`${base}/account/register`);
        await page.locator("#username").fill("a@b");
        await page.locator("#email").fill("nobody@example.com");
        await page.locator("#password").fill("1");
        await page.locator("button[value=register]").click();
        await page.locator(".problem").first().waitFor();
        faults.push(...(await inspect(page)));
        await logIn(page, name);
        for (const path of own) await look(path);
        const language = await page.locator("html").getAttribute("lang");
        // The console, as its administrator sees it.
        const admin = await open({ locale, viewport, colorScheme });
        await logIn(admin.page, root);
        for (const path of consolePages) {
          await admin.page.goto(`${base}/console/${path}`);
          admin.faults.push(...(await inspect(admin.page)));
          const picture = `${pictures}/console-${path.replace(/\W/g, "-")}-${locale}-${width}-${colorScheme}.png`;
          if (pictures) await admin.page.screenshot({ path: picture, fullPage: true });
        }
        faults.push(...admin.faults);
        assert.equal(language, locale === "zh-CN" ? "zh-CN" : "en");
        assert.deepEqual(faults, []);
      });
    }
  }
}

test("somebody registers, changes things and logs out, with a policy that nothing breaks", async () => {
  const { page, faults } = await open();
  await page.goto(`${base}/account`);
  await page.getByRole("link", { name: "Make an account" }).click();
  await page.getByLabel("User name").fill("grace");
  await page.getByLabel("E-mail address").fill("grace@example.com");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Make the account" }).click();
  await page.getByRole("heading", { name: "Profile" }).waitFor();
  await page.getByLabel("Full name").fill("Grace Hopper");
  await page.getByLabel("Language").selectOption("zh-CN");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("status").waitFor();
  assert.equal(await page.locator("html").getAttribute("lang"), "zh-CN");
  assert.equal(await page.locator("#full_name").inputValue(), "Grace Hopper");
  await page.locator("#locale").selectOption("en");
  await page.locator("button[value=save]").click();
  await page.getByRole("link", { name: "Devices" }).click();
  await page.getByText("This device").waitFor();
  await page.getByText("Chrome · Linux").first().waitFor();
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  // What the browser keeps of the page before shows nothing.
  await page.goBack();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
  assert.deepEqual(faults, []);
});

test("an administrator finds somebody and lets them in", async () => {
  await register("locked");
  const { page, faults } = await open({ javaScriptEnabled: false });
  await logIn(page, root);
  await page.getByRole("link", { name: /Console|管理控制台/ }).click();
  await page.getByRole("link", { name: /^(Users|用户)$/ }).click();
  await page.locator("#q").fill("lock");
  await page.getByRole("button", { name: /Find|查找/ }).click();
  await page.getByRole("link", { name: "locked" }).click();
  await page.locator("button[value=deactivate]").click();
  await page.getByRole("status").waitFor();
  const refused = await open();
  await refused.page.goto(`${base}/account/login`);
  await refused.page.locator("#username").fill("locked");
  await refused.page.locator("#password").fill(password);
  await refused.page.locator("button[value=login]").click();
  await refused.page.getByRole("alert").waitFor();
  await page.locator("button[value=activate]").click();
  await page.getByRole("status").waitFor();
  await logIn(refused.page, "locked");
  assert.deepEqual([...faults, ...refused.faults], []);
});

test("an administrator imports a class, and sees how far it is", async () => {
  const { page, faults } = await open();
  await logIn(page, root);
  await page.goto(`${base}/console/import`);
  const table = "username,email\nclass1,class1@example.com\nclass2,class2@example.com\nclass3,no address\n";
  await page.locator("#file").setInputFiles({ name: "class.csv", mimeType: "", buffer: Buffer.from(table) });
  await page.locator("#generate_passwords").check();
  await page.locator("button[value=check]").click();
  // The page changes by itself.
  await page.locator("button[value=commit]").waitFor();
  await page.getByText("class3").waitFor();
  await page.locator("button[value=commit]").click();
  const passwords = page.locator("a[href^=import-passwords]");
  await passwords.waitFor();
  const download = page.waitForEvent("download");
  await passwords.click();
  const file = await readFile(await (await download).path(), "utf-8");
  assert.match(file, /class1,.+\r?\nclass2,/);
  assert.deepEqual(faults, []);
});

test("users are looked for while somebody types", async () => {
  await register("typing");
  const { page, faults } = await open();
  await logIn(page, root);
  await page.goto(`${base}/console/users`);
  await page.locator("#q").pressSequentially("typin");
  await page.waitForURL("**/console/users?q=typin*");
  assert.equal(await page.locator(".items li").count(), 1);
  assert.equal(await page.evaluate(() => document.activeElement.id), "q");
  await page.getByRole("link", { name: "typing" }).click();
  await page.waitForURL("**/console/user?id=*");
  assert.deepEqual(faults, []);
});

test("an administrator changes several users without a script", async () => {
  for (const name of ["many1", "many2"]) await register(name);
  const { page, faults } = await open({ javaScriptEnabled: false });
  await logIn(page, root);
  await page.goto(`${base}/console/users?q=many`);
  for (const name of ["many1", "many2"]) await page.getByLabel(new RegExp(`: ${name}$`)).check();
  await page.locator("#what").selectOption("deactivate");
  await page.locator("button[value=preview]").click();
  await page.locator("button[value=confirm]").click();
  await page.getByRole("status").waitFor();
  await page.goto(`${base}/console/users?q=many&is_active=false`);
  assert.equal(await page.locator(".items li").count(), 2);
  assert.deepEqual(faults, []);
});

test("the keyboard alone is enough", async () => {
  await register("keys");
  const { page, faults } = await open();
  await page.goto(`${base}/account/login`);
  const tab = async (times) => {
    for (let time = 0; time < times; time += 1) await page.keyboard.press("Tab");
  };
  await tab(1);
  assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
  await tab(1);
  await page.keyboard.type("keys");
  await tab(1);
  await page.keyboard.type(password);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/account/profile");
  const reached = new Set();
  for (let time = 0; time < 30; time += 1) {
    await tab(1);
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.textContent.trim()));
  }
  for (const expected of ["Devices", "full_name", "phone", "bio", "avatar", "locale", "Save", "Log out"]) {
    assert.ok(reached.has(expected), expected);
  }
  assert.deepEqual(faults, []);
});

test("without a script everything works", async () => {
  await register("plain");
  const { page } = await open({ javaScriptEnabled: false });
  await logIn(page, "plain");
  await page.getByRole("link", { name: "Password" }).click();
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("New password", { exact: true }).fill("another horse 8");
  await page.getByLabel("The new password again").fill("another horse 9");
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password", { exact: true }).fill(password);
  await page.getByLabel("New password", { exact: true }).fill("another horse 8");
  await page.getByLabel("The new password again").fill("another horse 8");
  await page.getByRole("button", { name: "Change the password" }).click();
  await page.getByText("Your password is changed").waitFor();
  await page.getByRole("link", { name: "Profile" }).click();
  await page.getByRole("link", { name: "Delete my account" }).click();
  await page.getByLabel("Password", { exact: true }).fill("another horse 8");
  await page.getByRole("button", { name: "Delete my account" }).click();
  await page.getByText("Your account has stopped working").waitFor();
});

test("a page of another site can neither frame nor post", async () => {
  await register("victim");
  const { page } = await open();
  await logIn(page, "victim");
  const token = await page.locator("input[name=form_token]").first().inputValue();
  // The same machine under another name is another site, and the cookie is not of its host.
  const elsewhere = base.replace("127.0.0.1", "localhost");
  const refused = await page.context().newPage();
  // A page whose policy says nothing of forms.
  await refused.goto(`${elsewhere}/health`);
  for (const path of ["profile", "logout", "delete"]) {
    await refused.setContent(`<form method="post" action="${base}/account/${path}">
      <input name="form_token" value="${token}"><input name="full_name" value="Eve"><button>go</button></form>`);
    const answer = refused.waitForResponse(`${base}/account/${path}`);
    await refused.getByRole("button").click();
    assert.equal((await answer).status(), 403, path);
    await refused.goto(`${elsewhere}/health`);
  }
  const framed = await (await fetch(`${base}/account/login`)).headers;
  assert.equal(framed.get("x-frame-options"), "DENY");
  await page.reload();
  assert.notEqual(await page.locator("#full_name").inputValue(), "Eve");
});
