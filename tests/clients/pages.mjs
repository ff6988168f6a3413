// What the tests of pages in each browser share.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const base = process.env.MENJIN_URL;
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf-8");
export const password = "correct horse 7";
/// An administrator, who is there.
export const root = "root";

export const anonymous = ["login", "register", "forgot-password", "reset-password", "verify-email", "accept-invitation"];
export const consolePages = [
  "overview",
  "users",
  "users?q=look",
  "user?id=1",
  "user?id=2",
  "user-sessions?id=2",
  "edit?id=2",
  "new-user",
  "confirm?to=user%3Fid%3D2",
  "import",
  "invitations",
  "mails",
  "audit",
  "settings",
];
export const own = ["profile", "email", "password", "second-factor", "sessions", "delete"];

/// Makes an account with a name as long as people have.
export async function register(name, language = "en") {
  const headers = { "content-type": "application/json", "accept-language": language };
  const body = JSON.stringify({
    username: name,
    email: `${name}@a-school-with-a-rather-long-name.example.com`,
    password,
    full_name: "A person with quite a long name, as people have",
  });
  const made = await fetch(`${base}/api/v1/auth/register`, { method: "POST", headers, body });
  assert.equal(made.status, 201);
}

/// What is wrong with the page as it is now, by axe-core and by its width.
export async function inspect(page) {
  // As a debugger does, past the policy of the page.
  await page.evaluate(`${axe}; 0`);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    const faults = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
    return wide > 0 ? [...faults, `${wide} px too wide`] : faults;
  });
  return found.map((fault) => `${new URL(page.url()).pathname}: ${fault}`);
}
