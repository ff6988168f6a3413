// The QR code of an enrolment, as a browser shows it, to be read by a program of other makers.

import { readFile } from "node:fs/promises";
import { test } from "node:test";

import { launch } from "./chromium.mjs";

test("the QR code is shown", async () => {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    const svg = await readFile(process.env.MENJIN_QR, "utf-8");
    // As an application embeds it: an image, in which no script runs.
    const image = `data:image/svg+xml;base64,${Buffer.from(svg).toString("base64")}`;
    await page.setContent(`<body style="margin: 40px; background: white"><img width="400" src="${image}">`);
    await page.locator("img").evaluate((img) => img.decode());
    await page.screenshot({ path: process.env.MENJIN_PICTURE });
  } finally {
    await browser.close();
  }
});
