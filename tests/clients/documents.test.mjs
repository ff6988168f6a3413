// The JavaScript of the document, unmodified, as a front end would call it.
//
// It is written for a page: its URLs are relative and it keeps the token in localStorage. Here, under
// Node, both are what a page on the server's origin has; browser.test.mjs runs it in a real one.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import vm from "node:vm";

const origin = process.env.MENJIN_URL;

async function page() {
  const storage = new Map();
  const context = vm.createContext({
    fetch: (url, options) => fetch(new URL(url, origin), options),
    localStorage: {
      setItem: (key, value) => storage.set(key, value),
      getItem: (key) => storage.get(key) ?? null,
    },
  });
  const code = await readFile(new URL("documents/envelope.js", import.meta.url), "utf8");
  vm.runInContext(`${code}\nthis.client = { login, getUserInfo };`, context);
  return context.client;
}

test("logs in and says who is logged in", async () => {
  const { login, getUserInfo } = await page();
  const user = await login("student001", "password123");
  assert.equal(user.username, "student001");
  assert.equal(user.name, "张三");
  assert.deepEqual(await getUserInfo(), user);
});

test("shows the message of a failure", async () => {
  const { login } = await page();
  await assert.rejects(login("student001", "wrong"), { message: "用户名或密码错误" });
  await assert.rejects(login(undefined, "x"), { message: "数据验证失败" });
});
