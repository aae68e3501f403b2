// How long Chromium takes to show a page first: node paint.mjs FILE…
// Each is opened five times in a fresh context; the middle one counts.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";

import { launch } from "./chromium.mjs";

const browser = await launch();
for (const file of process.argv.slice(2)) {
  const times = [];
  for (let run = 0; run < 5; run += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    // The end of the page may be long in coming: it is shown before that.
    await page.goto(pathToFileURL(resolve(file)).href, { waitUntil: "commit" });
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    times.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime));
    await context.close();
  }
  times.sort((a, b) => a - b);
  console.log(`${file}: ${(statSync(file).size / 1e6).toFixed(1)} MB, first paint ${Math.round(times[2])} ms`);
}
await browser.close();
