// jules-batch serve in Chromium, with a run going on whose agent is hostile: PROGRAM names the program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import axe from "axe-core";

import { launch } from "./chromium.mjs";

const program = resolve(process.env.PROGRAM);
const HOSTILE = `<img src=x onerror=alert(1)><script>alert(2)</script>"><svg onload=alert(3)> \u202E javascript:alert(4)`;
const folder = mkdtempSync(join(tmpdir(), "jules-batch-serve-"));
const children = [];
// Another one for runs against a service and a GitHub that outlive them.
const real = mkdtempSync(join(tmpdir(), "jules-batch-pulls-"));
let browser;
// Where its run is served, and that of the folder for real runs.
let address;
let here;

function start(...args) {
  return startIn(folder, {}, ...args);
}

function startIn(cwd, variables, ...args) {
  const env = { PATH: process.env.PATH, HOME: cwd, ...variables };
  const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "ignore"] });
  child.stdout.setEncoding("utf8");
  children.push(child);
  return child;
}

async function firstLine(child) {
  const [text] = await once(child.stdout, "data");
  return text.split("\n")[0].trim();
}

async function runForReal() {
  const job = { id: "upgrade", prompt: "Upgrade it.", sources: ["my-org/ready@main", "my-org/draft@main"] };
  writeFileSync(join(real, "jobs.yaml"), JSON.stringify({ version: 1, name: "night", jobs: [job] }));
  const then = { "pull-request-title": HOSTILE, "on-github": { draft: true } };
  // On a GitHub where all of it is an hour old when it is first read.
  const scenario = {
    clock: { behind: "1h" },
    defaults: { duration: "20ms", outcome: "pull-request", "branch-form": "jules", activities: { gap: "10ms" } },
    sources: [{ repo: "my-org/ready" }, { repo: "my-org/draft" }],
    rules: [{ when: { source: "my-org/draft" }, then }],
  };
  writeFileSync(join(real, "scenario.yaml"), JSON.stringify(scenario));
  const service = await firstLine(startIn(real, {}, "simulate", "--scenario", "scenario.yaml"));
  const github = new URL(service).origin;
  const variables = {
    JULES_API_KEY: "any", JULES_BASE_URL: service, GH_TOKEN: "any", GITHUB_API_URL: github, GITHUB_GRAPHQL_URL: `${github}/graphql`,
  };
  assert.deepEqual(await once(startIn(real, variables, "run"), "exit"), [0, null]);
  here = await firstLine(startIn(real, {}, "serve"));
}

before(async () => {
  await runForReal();
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
  browser = await launch();
});

after(async () => {
  await browser?.close();
  children.forEach((child) => child.kill());
  for (const made of [folder, real]) rmSync(made, { recursive: true, force: true });
});

async function axeFinds(page) {
  // The page's policy lets no script in but its own: this one comes by the browser's side door.
  await page.evaluate(axe.source);
  const found = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
  return found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.map((node) => node.target).join(", ")}`);
}

// Whatever a page asks for or complains about.
function watched(page) {
  const complaints = [];
  const origins = new Set();
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => origins.add(new URL(request.url()).origin));
  return { complaints, origins };
}

test("a page follows its run to the end, and a hostile agent's text does nothing", async (t) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  t.after(() => context.close());
  const page = await context.newPage();
  const { complaints, origins } = watched(page);

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
  assert.deepEqual(await axeFinds(page), []);
});

test("pull requests are shown as they were read, by who has to act, and a hostile title does nothing", async (t) => {
  const context = await browser.newContext({ viewport: { width: 390, height: 844 }, colorScheme: "dark" });
  t.after(() => context.close());
  const page = await context.newPage();
  const { complaints, origins } = watched(page);
  await page.goto(here);
  await page.click("nav a[href='/pulls']");
  await page.waitForSelector("h1:text('Pull requests')");
  const text = await page.textContent("main");
  assert.ok(text.includes("<img src=x onerror=alert(1)>"), "it is there, as text");
  assert.ok(text.includes("2 open") && text.indexOf("Waiting for you") < text.lastIndexOf("my-org/ready#"), text);
  assert.equal(await page.$$eval("main img, main svg", (found) => found.length), 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  assert.deepEqual(await axeFinds(page), []);
  await page.click("nav.stages a[href='/pulls?stage=draft']");
  await page.waitForSelector("a[href='/pulls?stage=draft'][aria-current=page]");
  assert.equal(await page.$$eval("tbody tr", (rows) => rows.length), 1);
  await page.click("tbody a[href^='/run/']");
  await page.waitForFunction(() => document.querySelector("#count")?.textContent === "1 of 2 tasks");
  assert.deepEqual(complaints, []);
  assert.deepEqual([...origins], [new URL(here).origin]);
});

test("a word on a run that is over reaches its open page, where what was opened stays open", async (t) => {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${here}current`);
  await page.locator("#t0 summary").first().click();
  const [code] = await once(startIn(real, {}, "mark", "done", "job(upgrade)", "--reason", "seen-by-ada"), "exit");
  assert.equal(code, 0);
  await page.waitForFunction(() => document.body.textContent.includes("seen-by-ada"), null, { timeout: 30_000 });
  assert.ok(await page.$eval("#t0 details", (details) => details.open));
});
