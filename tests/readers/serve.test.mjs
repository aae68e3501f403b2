// jules-batch serve in Chromium, with a run going on whose agent is hostile: PROGRAM names the program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { chromium } from "playwright-core";

const program = resolve(process.env.PROGRAM);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const HOSTILE = `<img src=x onerror=alert(1)><script>alert(2)</script>"><svg onload=alert(3)> \u202E javascript:alert(4)`;
const folder = mkdtempSync(join(tmpdir(), "jules-batch-serve-"));
const children = [];
let browser;
let address;

function start(...args) {
  const env = { PATH: process.env.PATH, HOME: folder };
  const child = spawn(program, args, { cwd: folder, env, stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.setEncoding("utf8");
  children.push(child);
  return child;
}

before(async () => {
  const job = (id, prompt) => ({ id, prompt, source: "my-org/web@main" });
  const manifest = { version: 1, name: `night ${HOSTILE}`, strategy: { "max-parallel": 1 }, jobs: [job("one", "Fail."), job("two", "Go on.")] };
  const rules = [{ when: { prompt: "Fail*" }, then: { outcome: "failure", "failure-reason": HOSTILE } }];
  const scenario = { speed: 60, defaults: { duration: "5m", outcome: "pull-request" }, rules };
  writeFileSync(join(folder, "jobs.yaml"), JSON.stringify(manifest));
  writeFileSync(join(folder, "scenario.yaml"), JSON.stringify(scenario));
  start("run", "--simulate=scenario.yaml");
  while (!existsSync(join(folder, ".jules-batch"))) await pause(50);
  for (let tries = 0; !address && tries < 50; tries++) {
    const serving = start("serve");
    const [line] = await Promise.race([once(serving.stdout, "data"), once(serving, "exit").then(() => [""])]);
    address = line.trim() || undefined;
    if (!address) await pause(100);
  }
  browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
  });
});

after(async () => {
  await browser?.close();
  children.forEach((child) => child.kill());
  rmSync(folder, { recursive: true, force: true });
});

test("a page follows its run to the end, and a hostile agent's text does nothing", async (t) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  const origins = new Set();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => origins.add(new URL(request.url()).origin));

  await page.goto(`${address}current`);
  const first = await page.title();
  assert.ok(!first.includes("1 of 2 tasks failed"), `the run goes on: ${first}`);
  await page.waitForFunction(() => document.title.includes("1 of 2 tasks failed"), null, { timeout: 60_000 });
  const text = await page.textContent("main");
  assert.ok(text.includes("<img src=x onerror=alert(1)>"), "it is there, as text");
  assert.equal(await page.$$eval("main img, main svg[onload]", (found) => found.length), 0);

  await page.goto(address);
  await page.waitForSelector("a[href^='/run/']");
  assert.ok((await page.textContent("tbody")).includes("<script>alert(2)</script>"));
  // A page that is left closes its stream of news.
  assert.deepEqual(complaints, []);
  assert.deepEqual([...origins], [new URL(address).origin]);
});

test("the list is read at 390 pixels without a bar below", async (t) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(address);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});
