// What the tests of pages in each browser share.

import assert from "node:assert/strict";

const base = process.env.MENJIN_URL;
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
