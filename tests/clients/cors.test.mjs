// Pages of other origins in a real browser: one that the setting names, and one that it does not.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "./chromium.mjs";

const { MENJIN_URL: api, MENJIN_ALLOWED_PAGE: allowed, MENJIN_FOREIGN_PAGE: foreign } = process.env;
let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/// Runs a function on a page of this origin, with the server's address.
async function on(origin, work) {
  const page = await browser.newPage();
  await page.goto(origin);
  const result = await page.evaluate(work, api);
  await page.close();
  return result;
}

/// What a page makes of the API, in both dialects and of the cache.
async function use(api) {
  const call = async (method, path, body, token) => {
    const headers = { "X-Request-Id": "from-a-page" };
    if (body) headers["Content-Type"] = "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    try {
      const reply = await fetch(api + path, { method, headers, body: body && JSON.stringify(body) });
      return { status: reply.status, id: reply.headers.get("X-Request-Id"), body: await reply.json() };
    } catch (error) {
      return { error: error.name };
    }
  };
  const v1 = await call("POST", "/api/v1/auth/login", { username: "mike", password: "password123" });
  const envelope = await call("POST", "/api/auth/login", { username: "student001", password: "password123" });
  return {
    v1,
    envelope,
    me: await call("GET", "/api/v1/users/me", null, v1.body?.access_token),
    updated: await call("PUT", "/api/v1/users/me", { bio: "by a page" }, v1.body?.access_token),
    again: await call("GET", "/api/auth/me", null, envelope.body?.data?.token),
    refused: await call("GET", "/api/v1/users/me"),
    written: await call("POST", "/cache/page", { data: { by: "a page" } }),
    missing: await call("GET", "/cache/nothing"),
    // Without a header that the browser would ask about first: there is no route to say what it takes.
    unknown: await fetch(`${api}/nowhere`).then(
      (reply) => ({ status: reply.status, id: "from-a-page" }),
      (error) => ({ error: error.name }),
    ),
  };
}

test("a page of an origin that is named logs in and reads what it is told", async () => {
  const seen = await on(allowed, use);
  const statuses = Object.fromEntries(Object.entries(seen).map(([name, { status }]) => [name, status]));
  assert.deepEqual(statuses, {
    v1: 200,
    envelope: 200,
    me: 200,
    updated: 200,
    again: 200,
    refused: 401,
    written: 200,
    missing: 404,
    unknown: 404,
  });
  for (const [name, { id }] of Object.entries(seen)) assert.equal(id, "from-a-page", name);
  assert.equal(seen.updated.body.bio, "by a page");
  assert.equal(seen.refused.body.code, "not_authenticated");
});

test("a page of another origin reads nothing, and changes nothing that takes more than a form", async () => {
  const seen = await on(foreign, use);
  for (const [name, answer] of Object.entries(seen)) assert.deepEqual(answer, { error: "TypeError" }, name);
  const entry = await on(allowed, async (api) => (await fetch(`${api}/cache/page`)).json());
  assert.deepEqual(entry.data, { by: "a page" });
});

test("what a page may send without asking is not shown to it either", async () => {
  const opaque = await on(foreign, async (api) => {
    const body = new URLSearchParams({ username: "mike", password: "password123" });
    const reply = await fetch(`${api}/api/v1/auth/login`, { method: "POST", mode: "no-cors", body });
    return { type: reply.type, status: reply.status, text: await reply.text() };
  }).catch((error) => ({ type: "error", status: 0, text: "", error: error.message }));
  assert.equal(opaque.status, 0);
  assert.equal(opaque.text, "");
});

test("a sandboxed page, whose origin is null, reads nothing", async () => {
  const shown = await on(allowed, async (api) => {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts";
    const told = new Promise((resolve) => addEventListener("message", ({ data }) => resolve(data)));
    const attempt = `fetch("${api}/health").then(() => "read", (e) => e.name).then((it) => parent.postMessage(it, "*"))`;
    frame.srcdoc = `<script>${attempt}</script>`;
    document.body.append(frame);
    return told;
  });
  assert.equal(shown, "TypeError");
});
