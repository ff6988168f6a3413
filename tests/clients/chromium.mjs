// The browser of the tests.

import { chromium } from "playwright-core";

/// Starts a Chromium that asks the net for nothing by itself.
export function launch() {
  return chromium.launch({
    executablePath: process.env.MENJIN_TEST_CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
