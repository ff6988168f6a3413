// The other browser of the tests: Firefox, by WebDriver BiDi. Playwright drives patched ones only.

import puppeteer from "puppeteer-core";

/// Starts a Firefox in this language, light or dark.
export function launch(language, isDark) {
  return puppeteer.launch({
    browser: "firefox",
    executablePath: process.env.MENJIN_TEST_FIREFOX,
    headless: true,
    extraPrefsFirefox: {
      "intl.accept_languages": language,
      "layout.css.prefers-color-scheme.content-override": isDark ? 0 : 1,
    },
  });
}
