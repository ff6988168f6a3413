// Passkeys in Chromium, with its virtual authenticator: made, asked for after the password, enough by themselves,
// and taken away. A page that breaks its own policy, throws, or is hard to use for somebody (axe-core) fails.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { launch } from "./chromium.mjs";
import { inspect, password, register } from "./pages.mjs";

const base = process.env.MENJIN_URL;
// Browsers know passkeys for names only, not for addresses.
const site = base.replace("127.0.0.1", "localhost");
let browser;

before(async () => {
  browser = await launch();
});

after(() => browser?.close());

/// A browser with an authenticator in the device.
async function open(options = {}) {
  const context = await browser.newContext({ locale: "en-GB" });
  const page = await context.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error" && !/status of 4\d\d/.test(message.text())) faults.push(message.text());
  });
  const debug = await context.newCDPSession(page);
  await debug.send("WebAuthn.enable");
  const { authenticatorId } = await debug.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      ...options,
    },
  });
  const credentials = async () => (await debug.send("WebAuthn.getCredentials", { authenticatorId })).credentials;
  const verifies = (isUserVerified) => debug.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified });
  return { page, faults, credentials, verifies };
}

async function givePassword(page, name) {
  await page.goto(`${site}/account/login`);
  await page.getByLabel("User name or e-mail address").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in", exact: true }).click();
}

const profile = (page) => page.getByRole("heading", { name: "Profile" }).waitFor();
const logOut = async (page) => {
  await page.getByRole("button", { name: "Log out", exact: true }).click();
  await page.getByRole("heading", { name: "Log in" }).waitFor();
};

/// Makes a passkey; the page shows the recovery codes.
async function make(page, faults, name) {
  await page.goto(`${site}/account/second-factor`);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByLabel("Name").fill(name);
  faults.push(...(await inspect(page)));
  await page.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByText("Keep these recovery codes").waitFor();
}

test("a passkey is made, asked for after the password, and enough by itself", async () => {
  await register("ada");
  const { page, faults, credentials } = await open();
  await givePassword(page, "ada");
  await profile(page);
  await make(page, faults, "laptop");
  assert.equal(await page.locator(".codes code").count(), 10);
  const [credential] = await credentials();
  assert.equal(credential.rpId, "localhost");
  assert.ok(credential.isResidentCredential);
  await page.getByRole("link", { name: "I have kept them" }).click();
  await profile(page);
  await logOut(page);

  await givePassword(page, "ada");
  await page.getByRole("button", { name: "Use a passkey" }).waitFor();
  faults.push(...(await inspect(page)));
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await profile(page);
  await logOut(page);

  faults.push(...(await inspect(page)));
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await profile(page);
  assert.equal(await page.locator("header bdi").last().textContent(), "ada");

  // Where a password is asked for as well, the passkey answers first, and the page does what is pressed.
  await page.goto(`${site}/account/second-factor`);
  await page.getByText("Last used").waitFor();
  faults.push(...(await inspect(page)));
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("status").getByText("Your passkey has answered").waitFor();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Remove: laptop" }).click();
  await page.getByRole("status").getByText("It is done").waitFor();
  await logOut(page);
  await givePassword(page, "ada");
  await profile(page);
  assert.deepEqual(faults, []);
});

test("a device that does not ask its user is a second factor, and not enough by itself", async () => {
  await register("barbara");
  const { page, faults, verifies } = await open();
  await givePassword(page, "barbara");
  await profile(page);
  await make(page, faults, "laptop");
  await page.goto(`${site}/account/profile`);
  await logOut(page);
  await verifies(false);
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await page.getByRole("alert").getByText("No passkey was used").waitFor();
  faults.push(...(await inspect(page)));
  await verifies(true);
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await profile(page);
  assert.deepEqual(faults, []);
});

test("a passkey that was taken away says so", async () => {
  await register("carol");
  const { page, faults } = await open();
  await givePassword(page, "carol");
  await profile(page);
  await make(page, faults, "laptop");
  await page.goto(`${site}/account/second-factor`);
  await page.getByRole("button", { name: "Use a passkey" }).click();
  await page.getByRole("status").waitFor();
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Remove: laptop" }).click();
  await page.getByRole("status").getByText("It is done").waitFor();
  await logOut(page);
  // The device still has it.
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await page.getByRole("alert").getByText("The passkey was not accepted").waitFor();
  assert.deepEqual(faults, []);
});

test("by an address no browser uses a passkey, and the page says so", async () => {
  const { page, faults } = await open();
  await page.goto(`${base}/account/login`);
  await page.getByRole("button", { name: "Log in with a passkey" }).click();
  await page.getByRole("alert").getByText("No passkey was used").waitFor();
  assert.deepEqual(faults, []);
});
