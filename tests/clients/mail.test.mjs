// The pages that the links in mails lead to, in a real browser: with a script and without one.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "./chromium.mjs";

const base = process.env.MENJIN_URL;
let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/// A page that remembers what went wrong on it, and every address that left this browser.
async function open(path, options = {}) {
  const context = await browser.newContext({ locale: "en-GB", ...options });
  const page = await context.newPage();
  const faults = [];
  const asked = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    // What is refused is answered with 400, which the console calls an error.
    if (message.type() === "error" && !message.text().includes("400")) faults.push(message.text());
  });
  page.on("request", (request) => asked.push({ url: request.url(), headers: request.headers() }));
  await page.goto(base + path);
  return { page, faults, asked };
}

/// The links of the mails to an address, by where they lead, once this many are there.
async function mailed(email, expected) {
  const found = {};
  for (;;) {
    const html = await (await fetch(`${base}/dev/mail`)).text();
    for (const article of html.split("<article>").slice(1)) {
      if (!article.includes(email)) continue;
      const link = article.replaceAll("&#x2f;", "/").match(/href="([^"]*#[^"]*)"/)?.[1];
      if (link) found[new URL(link).pathname] = new URL(link);
    }
    if (Object.keys(found).length === expected) return found;
  }
}

/// Registers somebody, and returns the links of the mails to them, by where they lead.
async function links(name, ask) {
  const send = async (path, body) => {
    const headers = { "content-type": "application/json", "accept-language": "en" };
    const sent = await fetch(base + path, { method: "POST", headers, body: JSON.stringify(body) });
    assert.ok(sent.ok, `${path}: ${sent.status}`);
  };
  const email = `${name}@example.com`;
  await send("/api/v1/auth/register", { username: name, email, password: "password123" });
  if (ask) await send("/api/v1/auth/forgot-password", { username: name });
  return mailed(email, ask ? 2 : 1);
}

async function login(name, password) {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ username: name, password });
  const answer = await fetch(`${base}/api/v1/auth/login`, { method: "POST", headers, body });
  return answer.ok ? (await answer.json()).access_token : null;
}

test("a link verifies an address with one button", async () => {
  const { "/account/verify-email": link } = await links("mike");
  const { page, faults, asked } = await open(link.pathname + link.hash);
  await page.getByText("mike@example.com").waitFor();
  await page.getByRole("button", { name: "This was not me" }).waitFor();
  assert.equal(new URL(page.url()).hash, "", "the token is not in the address any more");
  await page.getByRole("button", { name: "Verify the address" }).click();
  await page.getByText("Your address is verified").waitFor();
  const token = await login("mike", "password123");
  const me = await fetch(`${base}/api/v1/users/me`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await me.json()).is_verified, true);
  const leaked = asked.filter(({ url, headers }) => {
    return (url + JSON.stringify(headers)).includes(link.hash.slice(1));
  });
  assert.deepEqual(leaked, [], "the token is in no address and no header");
  assert.deepEqual(faults, []);
});

test("a link leads to a new password", async () => {
  const { "/account/reset-password": link } = await links("ann", true);
  const { page, faults } = await open(link.pathname + link.hash);
  await page.getByLabel("New password", { exact: true }).fill("newpassword456");
  await page.getByLabel("The new password again").fill("newpassword457");
  await page.getByRole("button", { name: "Set the new password" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("New password", { exact: true }).fill("newpassword456");
  await page.getByLabel("The new password again").fill("newpassword456");
  await page.getByRole("button", { name: "Set the new password" }).click();
  await page.getByText("Your password is set").waitFor();
  assert.ok(await login("ann", "newpassword456"));
  assert.equal(await login("ann", "password123"), null);
  assert.deepEqual(faults, []);
});

test("without a script people paste the code", async () => {
  const found = await links("bob", true);
  const options = { javaScriptEnabled: false };
  const { page } = await open("/account/verify-email", options);
  const field = page.getByLabel("The code in the mail");
  await field.fill("not a code");
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("alert").waitFor();
  await field.fill(` ${found["/account/verify-email"].hash.slice(1)} `);
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Verify the address" }).click();
  await page.getByText("Your address is verified").waitFor();
  const reset = (await open("/account/reset-password", options)).page;
  await reset.getByLabel("The code in the mail").fill(found["/account/reset-password"].hash.slice(1));
  await reset.getByLabel("New password", { exact: true }).fill("newpassword456");
  await reset.getByLabel("The new password again").fill("newpassword456");
  await reset.getByRole("button", { name: "Set the new password" }).click();
  await reset.getByText("Your password is set").waitFor();
  assert.ok(await login("bob", "newpassword456"));
});

test("a link takes back a change of the address", async () => {
  const { "/account/verify-email": link } = await links("eve");
  const send = (path, method, body, token) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    return fetch(base + path, { method, headers, body: JSON.stringify(body) });
  };
  await send("/api/v1/auth/verify-email", "POST", { token: link.hash.slice(1) });
  const token = await login("eve", "password123");
  const changed = await send("/api/v1/users/me", "PUT", { email: "thief@example.com" }, token);
  assert.equal(changed.status, 200);
  const { "/account/undo-email-change": undo } = await mailed("eve@example.com", 2);
  const { page, faults } = await open(undo.pathname + undo.hash);
  await page.getByText("eve@example.com").waitFor();
  assert.equal(new URL(page.url()).hash, "", "the token is not in the address any more");
  await page.getByRole("button", { name: "Give me this address back" }).click();
  await page.getByText("The address is back").waitFor();
  assert.equal((await send("/api/v1/users/me", "GET", undefined, token)).status, 401);
  assert.ok(await login("eve@example.com", "password123"));
  assert.deepEqual(faults, []);
});

for (const javaScriptEnabled of [true, false]) {
  test(`an invitation makes an account, ${javaScriptEnabled ? "by its link" : "by its code"}`, async () => {
    const link = new URL(process.env.MENJIN_INVITATION);
    const fragment = javaScriptEnabled ? link.hash : "";
    const { page, faults } = await open(link.pathname + fragment, { javaScriptEnabled });
    if (!javaScriptEnabled) {
      await page.getByLabel("The code in the mail").fill(link.hash.slice(1).toLowerCase());
      await page.getByRole("button", { name: "Continue" }).click();
    }
    const name = javaScriptEnabled ? "grace" : "heidi";
    await page.getByLabel("E-mail address").fill(`${name}@example.com`);
    await page.getByLabel("User name").fill(name);
    await page.getByLabel("Password").fill("12345678");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("User name").inputValue(), name, "what was typed is kept");
    await page.getByLabel("Password").fill("password123");
    await page.getByRole("button", { name: "Make the account" }).click();
    await page.getByText("Your account is made").waitFor();
    assert.ok(await login(name, "password123"));
    assert.deepEqual(faults, []);
  });
}
