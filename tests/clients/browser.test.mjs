// The documentation pages in a real browser, and the document's front end on a page of the server.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { launch } from "./chromium.mjs";

const base = process.env.MENJIN_URL;
let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/// A page that remembers what went wrong on it, and every request that left the server.
async function open(path) {
  const page = await browser.newPage({ locale: "zh-CN" });
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") faults.push(`console: ${message.text()}`);
  });
  page.on("request", (request) => {
    const url = request.url();
    if (url.startsWith("http") && !url.startsWith(`${base}/`)) faults.push(`left: ${url}`);
  });
  await page.goto(base + path);
  return { page, faults };
}

test("Swagger UI renders, authorizes and tries a request out", async () => {
  const { page, faults } = await open("/docs");
  await page.getByText("/api/v1/users/me", { exact: true }).first().waitFor();
  await page.locator("button.authorize").first().click();
  const dialog = page.locator(".modal-ux");
  // Beside it, the dialog takes a token that was got elsewhere.
  const form = dialog.locator(".auth-container", { has: page.locator("#oauth_username") });
  await form.locator("#oauth_username").fill("mike");
  await form.locator("#oauth_password").fill("password123");
  await form.locator(".auth-btn-wrapper button.authorize").click();
  await dialog.getByText("Logout", { exact: true }).first().waitFor();
  await dialog.locator("button.btn-done").first().click();
  const me = page.locator(".opblock-get", { has: page.locator('[data-path="/api/v1/users/me"]') });
  await me.locator(".opblock-summary-control").click();
  await me.getByRole("button", { name: "Try it out" }).click();
  await me.getByRole("button", { name: "Execute" }).click();
  const status = me.locator(".live-responses-table .response .response-col_status");
  await status.first().waitFor();
  assert.match(await status.first().innerText(), /^200/);
  assert.match(await me.locator(".live-responses-table").innerText(), /"username": "mike"/);
  assert.deepEqual(faults, []);
});

test("Swagger UI shows no document but the server's own", async () => {
  const foreign = "data:application/json,{}";
  const { page, faults } = await open(`/docs?url=${encodeURIComponent(foreign)}&configUrl=${foreign}`);
  await page.getByText("/api/v1/users/me", { exact: true }).first().waitFor();
  assert.deepEqual(faults, []);
});

test("ReDoc renders", async () => {
  const { page, faults } = await open("/redoc");
  await page.getByRole("heading", { name: /^menjin/ }).first().waitFor();
  await page.locator("[data-section-id]").first().waitFor();
  assert.match(await page.locator("body").innerText(), /\/api\/v1\/auth\/login/);
  assert.deepEqual(faults, []);
});

test("the document's front end runs on a page of the server", async () => {
  const { page } = await open("/docs");
  const code = await readFile(new URL("documents/envelope.js", import.meta.url), "utf8");
  const shown = await page.evaluate(`(async () => {
    ${code}
    const failure = await login("student001", "wrong").catch((error) => error.message);
    const user = await login("student001", "password123");
    return { failure, user, again: await getUserInfo() };
  })()`);
  assert.equal(shown.failure, "用户名或密码错误");
  assert.equal(shown.user.name, "张三");
  assert.deepEqual(shown.again, shown.user);
});
