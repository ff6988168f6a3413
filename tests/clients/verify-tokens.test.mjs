// An access token, verified by jose with the keys that the server publishes.

import assert from "node:assert/strict";
import { test } from "node:test";
import * as jose from "jose";

const url = process.env.MENJIN_URL;
const algorithms = [process.env.MENJIN_ALGORITHM];
const keys = jose.createRemoteJWKSet(new URL(`${url}/.well-known/jwks.json`));
const verify = (token) =>
  jose.jwtVerify(token, keys, { algorithms, issuer: "menjin", audience: "menjin", typ: "at+jwt" });

async function logIn() {
  const body = JSON.stringify({ username: "mike", password: "password123" });
  const headers = { "Content-Type": "application/json" };
  return (await fetch(`${url}/api/v1/auth/login`, { method: "POST", headers, body })).json();
}

function changed(part, change) {
  const value = JSON.parse(Buffer.from(part, "base64url").toString());
  return Buffer.from(JSON.stringify({ ...value, ...change })).toString("base64url");
}

test("verifies an access token and no other", async () => {
  const { access_token: token, refresh_token } = await logIn();
  const { payload, protectedHeader } = await verify(token);
  const me = await fetch(`${url}/api/v1/users/me`, { headers: { Authorization: `Bearer ${token}` } });
  const { id, role } = await me.json();
  assert.deepEqual([payload.sub, payload.role], [String(id), role]);
  assert.equal(protectedHeader.alg, algorithms[0]);

  const [header, claims, signature] = token.split(".");
  const other = signature[0] === "A" ? "B" : "A";
  for (const forged of [
    `${header}.${changed(claims, { role: "admin" })}.${signature}`,
    `${header}.${claims}.${other}${signature.slice(1)}`,
    `${changed(header, { alg: "none" })}.${claims}.`,
    refresh_token,
  ]) {
    await assert.rejects(verify(forged), jose.errors.JOSEError);
  }
});

test("names each key by its thumbprint", async () => {
  const { keys } = await (await fetch(`${url}/.well-known/jwks.json`)).json();
  assert.equal(keys.length, 1);
  for (const key of keys) assert.equal(await jose.calculateJwkThumbprint(key), key.kid);
});
