// report.html in Chromium: filter, sort, search, keyboard, hostile text, no network, speed.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";

import axe from "axe-core";

import { launch } from "./chromium.mjs";

const samples = process.env.JULES_BATCH_SAMPLES;
let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/// Opens a sample; whatever the page asks for or complains about is kept.
async function open(t, sample, { hash = "", ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 900 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const complaints = [];
  const requests = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`) && dialog.dismiss());
  page.on("request", (request) => requests.push(request.url()));
  const url = pathToFileURL(join(samples, sample, "report.html")).href;
  await page.goto(url + hash);
  return { page, complaints, requests, url };
}

const visible = (page) =>
  page.$$eval("#tasks tbody tr", (rows) => rows.filter((row) => !row.hidden).map((row) => row.querySelector(".id").textContent));
const outcomes = (page) =>
  page.$$eval("#tasks tbody tr", (rows) => rows.filter((row) => !row.hidden).map((row) => row.dataset.outcome));

test("filters by outcome, several at once, and back", async (t) => {
  const { page } = await open(t, "hostile");
  assert.equal((await visible(page)).length, 12);
  await page.click(".chip[data-outcome=failed]");
  assert.deepEqual(await outcomes(page), ["failed", "failed"]);
  assert.equal(await page.getAttribute(".chip[data-outcome=failed]", "aria-pressed"), "true");
  assert.equal(await page.textContent("#count"), "2 of 12 tasks");
  await page.click(".chip[data-outcome=error]");
  assert.deepEqual(await outcomes(page), ["failed", "error", "failed"]);
  assert.equal(await page.$$eval("#timeline .bar.off", (bars) => bars.length), 9);
  await page.click(".chip.all");
  assert.equal((await visible(page)).length, 12);
});

test("searches in ids, sources and whole reasons", async (t) => {
  const { page } = await open(t, "hostile");
  await page.fill("#search", "TOKIO my-org/web");
  await page.waitForFunction(() => document.querySelector("#count").textContent === "1 of 12 tasks");
  assert.deepEqual(await visible(page), ["upgrade/my-org/web@main[crate=tokio]"]);
  await page.fill("#search", "assertion failed: left == right");
  await page.waitForFunction(() => document.querySelector("#count").textContent === "1 of 12 tasks");
  await page.fill("#search", "no such thing");
  await page.waitForSelector("#nothing:not([hidden])");
  await page.click("#clear");
  assert.equal((await visible(page)).length, 12);
});

test("sorts both ways and back to the manifest's order", async (t) => {
  const { page } = await open(t, "hostile");
  const manifest = await visible(page);
  const click = () => page.click("th.c-task button");
  await click();
  const sorted = await visible(page);
  assert.equal(await page.getAttribute("th.c-task", "aria-sort"), "ascending");
  assert.deepEqual(sorted, [...manifest].sort(new Intl.Collator("en", { numeric: true }).compare));
  await click();
  assert.deepEqual(await visible(page), [...sorted].reverse());
  await click();
  assert.deepEqual(await visible(page), manifest);
  assert.equal(await page.getAttribute("th.c-task", "aria-sort"), null);
  await page.click("th.c-outcome button");
  assert.equal((await outcomes(page))[0], "error");
  await page.click("th.c-time button");
  const millis = await page.$$eval("#tasks tbody tr", (rows) => rows.map((row) => Number(row.dataset.millis)));
  assert.deepEqual(millis, [...millis].sort((a, b) => b - a));
});

test("keeps filter, search and order in the address", async (t) => {
  const { page, url } = await open(t, "hostile");
  await page.click(".chip[data-outcome=failed]");
  await page.click("th.c-task button");
  await page.fill("#search", "api");
  await page.waitForFunction(() => location.hash.includes("q=api"));
  const hash = new URL(page.url()).hash;
  const again = await open(t, "hostile", { hash });
  assert.deepEqual(await visible(again.page), ["fix/my-org/api@main"]);
  assert.equal(await again.page.inputValue("#search"), "api");
  assert.equal(new URL(again.url).pathname, new URL(url).pathname);
});

const pulls = (page) =>
  page.$$eval(".pulls li", (rows) => rows.filter((row) => row.checkVisibility()).map((row) => row.dataset.stage));

test("filters pull requests and tasks by stage, and keeps that in the address", async (t) => {
  const { page } = await open(t, "campaign");
  assert.equal((await pulls(page)).length, 38, "what is merged or closed is folded away");
  await page.click(".chip[data-stage=checks_failed]");
  assert.deepEqual(await pulls(page), Array(5).fill("checks_failed"));
  assert.equal(await page.textContent("#count"), "5 of 60 tasks");
  await page.focus(".chip[data-stage=merged]");
  await page.keyboard.press("Space");
  assert.equal(await page.getAttribute(".chip[data-stage=merged]", "aria-pressed"), "true");
  assert.deepEqual(await pulls(page), [...Array(5).fill("checks_failed"), ...Array(19).fill("merged")]);
  const hash = new URL(page.url()).hash;
  assert.equal(decodeURIComponent(hash), "#stage=checks_failed,merged");
  const again = await open(t, "campaign", { hash });
  assert.equal(await again.page.textContent("#count"), "24 of 60 tasks");
  await again.page.fill("#search", "svc-44");
  await again.page.waitForFunction(() => document.querySelector("#count").textContent === "1 of 60 tasks");
  assert.deepEqual(await pulls(again.page), ["checks_failed"]);
  await again.page.click("#clear");
  assert.equal((await visible(again.page)).length, 60);
});

test("shows whom pull requests wait for, and the burn-down in words", async (t) => {
  const { page, complaints, requests, url } = await open(t, "campaign");
  const tree = await page.locator("main").ariaSnapshot();
  assert.match(tree, /img "54 pull requests from .*: 19 merged, 1 closed, 7 ready, 21 open, 6 failing"/);
  assert.match(tree, /heading "Waiting for you 12"/);
  assert.deepEqual(
    await page.$$eval(".group h3", (all) => all.map((one) => one.textContent)),
    ["Waiting for you 12", "Waiting for a reviewer 9", "Not readable 1", "Ready for jules-batch pulls 8", "Waiting for Jules 1",
      "Waiting for checks 1", "Waiting for GitHub 2", "Not read so far 4", "Merged or closed 20"],
  );
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.deepEqual(complaints, []);
  assert.deepEqual(requests, [url]);
});

test("filters by job, source and tag, all together, and goes back and forward", async (t) => {
  const { page, complaints } = await open(t, "nightly");
  const count = () => page.textContent("#count");
  const hash = () => decodeURIComponent(new URL(page.url()).hash);
  await page.selectOption("select[data-filter=job]", "docs");
  assert.deepEqual([await count(), hash()], ["5 of 20 tasks", "#job=docs"]);
  await page.selectOption("select[data-filter=source]", { label: "my-org/web" });
  assert.deepEqual([await count(), hash()], ["1 of 20 tasks", "#job=docs&source=my-org/web"]);
  await page.click(".chip[data-outcome=succeeded]");
  assert.equal(await count(), "0 of 20 tasks", "its docs task asks something");
  await page.goBack();
  assert.deepEqual(await visible(page), ["docs/my-org/web@main"]);
  assert.equal(await page.getAttribute(".chip[data-outcome=succeeded]", "aria-pressed"), "false");
  await page.goBack();
  assert.equal(await count(), "5 of 20 tasks");
  assert.equal(await page.inputValue("select[data-filter=source]"), "");
  await page.goForward();
  assert.deepEqual(await visible(page), ["docs/my-org/web@main"]);
  await page.click("#clear");
  assert.equal(await count(), "20 tasks");
  await page.selectOption("select[data-filter=tag]", "weekly, maybe");
  assert.equal(await count(), "5 of 20 tasks");
  await page.goBack();
  assert.equal(await count(), "20 tasks");
  assert.deepEqual(complaints, []);
});

test("a link with every filter shows the same to whoever opens it", async (t) => {
  const { page } = await open(t, "nightly", {
    hash: "#job=docs,lint&source=MY-ORG/web&source=my-org/api&tag=tidy&outcome=needs_input,failed,succeeded",
  });
  assert.deepEqual(await visible(page), ["docs/my-org/web@main", "lint/my-org/web@main"]);
  assert.equal(await page.$eval("select[data-filter=job]", (list) => list.selectedOptions[0].text), "2 chosen");
  assert.equal(await page.$eval("select[data-filter=source]", (list) => list.selectedOptions[0].text), "my-org/web");
  const campaign = await open(t, "campaign", { hash: "#stage=merged,ready&outcome=succeeded&tag=deps&job=none" });
  assert.equal(await campaign.page.textContent("#count"), "26 of 60 tasks", "a job that is not there is no filter");
  await page.focus(".skip");
  await page.keyboard.press("Enter");
  assert.equal((await visible(page)).length, 2, "the way to the table is no filter");
});

test("does not take a filter or an order from a forged address", async (t) => {
  const { page, complaints } = await open(t, "hostile", { hash: "#outcome=__proto__,%3Cb%3E&stage=constructor&job=__proto__&tag=%3Cimg%20src=x%3E&source=,&sort=constructor&q=%3Cimg" });
  assert.deepEqual(complaints, []);
  assert.equal(await page.inputValue("#search"), "<img");
});

test("works by keyboard", async (t) => {
  const { page } = await open(t, "hostile");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the tasks");
  await page.keyboard.press("/");
  assert.equal(await page.evaluate(() => document.activeElement.id), "search");
  await page.keyboard.type("hostile");
  await page.waitForFunction(() => document.querySelector("#count").textContent === "1 of 12 tasks");
  await page.focus(".chip[data-outcome=failed]");
  await page.keyboard.press("Space");
  assert.equal(await page.getAttribute(".chip[data-outcome=failed]", "aria-pressed"), "true");
});

test("is a table for screen readers", async (t) => {
  const { page } = await open(t, "hostile");
  const tree = await page.locator("main").ariaSnapshot();
  assert.match(tree, /table "Tasks"/);
  assert.match(tree, /columnheader "Outcome"/);
  assert.match(tree, /row "failed fix\/my-org\/api@main/);
  assert.match(tree, /img "12 sessions, at most 5 at once/);
  assert.match(tree, /status: 12 tasks/);
  assert.equal(await page.getAttribute("html", "lang"), "en");
});

test("a bar of the timeline leads to its task", async (t) => {
  const { page } = await open(t, "hostile");
  await page.click(".chip[data-outcome=error]");
  await page.locator("#timeline .bar[data-task='3']").click({ force: true });
  assert.equal(await page.evaluate(() => document.activeElement.id), "t3");
  assert.equal((await visible(page)).length, 12);
});

test("hostile text is shown and does not run, and nothing is loaded", async (t) => {
  const { page, complaints, requests, url } = await open(t, "hostile");
  await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  assert.match(await page.textContent("#t11 pre"), /<script>window\.hacked = true<\/script>/);
  assert.equal(await page.$$eval("script", (all) => all.length), 1);
  assert.equal(await page.$$eval("img, iframe, object, embed, form, link", (all) => all.length), 0);
  const links = await page.$$eval("a[href]", (all) => all.map((one) => one.getAttribute("href")));
  assert.ok(links.length > 10 && links.every((href) => href === "#tasks" || href.startsWith("https://")));
  assert.deepEqual(complaints, []);
  assert.deepEqual(requests, [url]);
});

test("the policy stops foreign scripts, styles and pictures", async (t) => {
  const { page } = await open(t, "hostile");
  const blocked = await page.evaluate(async () => {
    const violations = [];
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "window.hacked = true";
    const image = document.createElement("img");
    image.src = "https://evil.invalid/x.png";
    const style = document.createElement("style");
    style.textContent = "body { display: none }";
    document.body.append(script, image, style);
    await new Promise((done) => setTimeout(done, 200));
    return { violations, hacked: window.hacked };
  });
  assert.equal(blocked.hacked, undefined);
  assert.deepEqual(blocked.violations.sort(), ["img-src", "script-src-elem", "style-src-elem"]);
});

test("is readable without its script", async (t) => {
  const { page } = await open(t, "hostile", { javaScriptEnabled: false });
  assert.ok(await page.isVisible("text=4 of 12 tasks done, 5 failed, 1 question"));
  assert.ok(await page.isVisible("#t11"));
  assert.ok(!(await page.isVisible("#toolbar")));
  const campaign = await open(t, "campaign", { javaScriptEnabled: false });
  assert.ok(await campaign.page.isVisible("text=pushed to by eve"));
});

for (const colorScheme of ["light", "dark"]) {
  for (const [sample, width] of [360, 390, 760, 1280].flatMap((width) => [["hostile", width], ["campaign", width]])) {
    test(`fits ${width} px and has contrast, ${colorScheme}, ${sample}`, async (t) => {
      const { page } = await open(t, sample, { colorScheme, viewport: { width, height: 900 } });
      await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(overflow <= 0, `${overflow} px too wide`);
      const poor = await page.evaluate(() => {
        const parse = (color) => color.match(/[\d.]+/g).slice(0, 3).map(Number);
        const light = (color) => {
          const [r, g, b] = parse(color).map((v) => (v /= 255) && (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const card = light(getComputedStyle(document.querySelector("section")).backgroundColor);
        const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        const words = document.querySelectorAll(".badge, .stage, .why, .legend li, .pulls time, .reason, .session, .branch, .hint, th, .title, .duration");
        return Array.from(words).map((one) => [one.className, ratio(light(getComputedStyle(one).color), card)]).filter(([, r]) => r < 4.5);
      });
      assert.deepEqual(poor, []);
    });
  }
}

test("a row opens to its session, and a diff gets its colours then", async (t) => {
  const { page, complaints } = await open(t, "nightly");
  const row = page.locator("#t0");
  assert.ok(!(await row.locator(".words").isVisible()));
  await row.locator(".session-details > summary").focus();
  await page.keyboard.press("Enter");
  assert.equal(await row.locator(".words").textContent(), "All tests pass now. I left the benchmarks alone.");
  assert.deepEqual(await row.locator(".plan li").allTextContents(), ["Read the changelog", "Change the manifest", "Run the tests"]);
  const before = await row.locator(".diff").textContent();
  await row.locator(".patch > summary").click();
  await row.locator(".diff .added").first().waitFor();
  assert.deepEqual(
    await row.locator(".diff > span").evaluateAll((all) => all.map((one) => [one.className, one.textContent[0]])),
    [["at", "@"], ["removed", "-"], ["added", "+"], ["added", "+"]],
  );
  assert.equal(await row.locator(".diff").textContent(), before, "only its colours change");
  assert.equal(await page.evaluate(() => window.hacked), undefined);
  await page.fill("#search", "serde1");
  await page.waitForSelector("#nothing:not([hidden])", { timeout: 5000 });
  await page.fill("#search", "benchmarks alone");
  await page.waitForFunction(() => document.querySelector("#count").textContent === "20 tasks");
  assert.deepEqual(complaints, []);
});

for (const [sample, width] of ["hostile", "nightly", "morning", "campaign"].flatMap((sample) => [[sample, 1280], [sample, 390]])) {
  test(`axe finds nothing, ${sample}, ${width} px`, async (t) => {
    const { page } = await open(t, sample, { viewport: { width, height: 900 } });
    await page.$$eval("details", (all) => all.forEach((one) => (one.open = true)));
    await page.evaluate(axe.source);
    const found = await page.evaluate(() => axe.run({ resultTypes: ["violations"] }));
    const told = found.violations.map((one) => `${one.id}: ${one.help}: ${one.nodes.slice(0, 3).map((node) => node.target).join(", ")}`);
    assert.deepEqual(told, []);
  });
}

test("2,000 tasks do not lag", async (t) => {
  const { page, complaints } = await open(t, "large");
  assert.equal((await visible(page)).length, 2000);
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const metrics = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map((m) => [m.name, m.value]));
  const acts = {
    filter: () => document.querySelector(".chip[data-outcome=failed]").click(),
    back: () => document.querySelector(".chip.all").click(),
    sort: () => document.querySelector("th.c-task button").click(),
  };
  for (const [name, act] of Object.entries(acts)) {
    const before = await metrics();
    const millis = await page.evaluate(`{
      const start = performance.now();
      (${act})();
      document.body.getBoundingClientRect();
      performance.now() - start;
    }`);
    const after = await metrics();
    // How long it took depends on how busy the machine is; how often the page was laid out does not.
    const layouts = after.LayoutCount - before.LayoutCount;
    t.diagnostic(`${name}: ${Math.round(millis)} ms, ${layouts} layouts`);
    assert.ok(layouts <= 4, `${name}: ${layouts} layouts`);
  }
  assert.deepEqual(complaints, []);
});

test("on paper what needs a person is there, and whole", async (t) => {
  const { page } = await open(t, "hostile", { viewport: { width: 794, height: 1123 } });
  const shown = () =>
    page.$$eval(".needs li", (rows) => rows.filter((row) => row.checkVisibility({ contentVisibilityAuto: true })).length);
  const all = await page.$$eval(".needs li", (rows) => rows.length);
  assert.ok((await shown()) < all, "some stand behind a click");
  await page.emulateMedia({ media: "print" });
  assert.equal(await shown(), all);
  assert.equal(await page.$$eval(".needs summary, .toolbar", (found) => found.filter((one) => one.checkVisibility()).length), 0);
});

test("an empty run is a page", async (t) => {
  const { page, complaints } = await open(t, "empty");
  assert.ok(await page.isVisible("text=The run begins"));
  assert.ok(await page.isVisible("#nothing"));
  assert.deepEqual(complaints, []);
});

test("what needs a person is in the first screen, failures first", async (t) => {
  for (const [width, height] of [[1280, 800], [390, 844]]) {
    const { page, complaints } = await open(t, "morning", { viewport: { width, height } });
    const rows = await page.$$eval(".needs li", (items) =>
      items.map((item) => ({
        badge: item.querySelector(".badge").textContent.trim(),
        bottom: item.getBoundingClientRect().bottom,
        links: Array.from(item.querySelectorAll("a"), (link) => link.className),
      })),
    );
    assert.deepEqual(rows.map((row) => row.badge), ["failed", "needs input", "review required", "ready"]);
    for (const row of rows) {
      assert.ok(row.bottom <= height, `${row.badge} ends at ${row.bottom} of ${height}`);
      assert.ok(row.links.includes("session"), `${row.badge} leads to its session`);
    }
    assert.deepEqual(rows.map((row) => row.links.includes("pull")), [false, false, true, true]);
    assert.deepEqual(complaints, []);
  }
});
