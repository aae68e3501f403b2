// Reads junit.xml and report.ctrf.json as JavaScript's readers do: check.mjs REPORT_DIR
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { validate } from "ctrf";
import { convertJUnitToCTRFReport } from "junit-to-ctrf";
import { parse } from "junit2json";

const here = dirname(fileURLToPath(import.meta.url));
const folder = resolve(process.argv[2]);
const report = JSON.parse(readFileSync(join(folder, "report.json"), "utf8"));
// A stray session is an error of its own.
const verdicts = [...report.tasks.map(verdict), ...report.strays.map(() => "error")];
const count = (...outcomes) => verdicts.filter((one) => outcomes.includes(one)).length;

function verdict(task) {
  if (task.outcome === "no_change") return { pass: "passed", skip: "skipped", fail: "failure" }[task.onNoChange];
  if (task.outcome === "succeeded") return "passed";
  if (["failed", "needs_input"].includes(task.outcome)) return "failure";
  if (["timed_out", "stalled", "error"].includes(task.outcome)) return "error";
  return "skipped";
}

async function junit2json(path) {
  const suites = await parse(readFileSync(path, "utf8"));
  const cases = (suites.testsuite ?? []).flatMap((suite) => suite.testcase ?? []);
  assert.equal(cases.length, verdicts.length);
  assert.equal(suites.tests, verdicts.length);
  assert.equal(suites.failures, count("failure"));
  assert.equal(suites.errors, count("error"));
  assert.equal(cases.filter((one) => one.skipped).length, count("skipped"));
  for (const session of report.tasks.flatMap((task) => task.attempts.slice(-1)).map((attempt) => attempt.session)) {
    // A reader rounded ids that looked like numbers.
    if (session) assert.ok(JSON.stringify(suites).includes(`sessions/${session.id}`), session.id);
  }
}

async function junitToCtrf(path) {
  const ctrf = await convertJUnitToCTRFReport(path);
  // It makes nothing of a run without a task.
  if (report.tasks.length === 0) return;
  assert.equal(ctrf.results.summary.tests, verdicts.length);
  assert.equal(ctrf.results.summary.failed, count("failure", "error"));
  assert.equal(ctrf.results.summary.skipped, count("skipped"));
  assert.equal(ctrf.results.summary.passed, count("passed"));
}

function xunitViewer(path) {
  const out = mkdtempSync(join(tmpdir(), "xunit-viewer-"));
  try {
    const program = join(here, "node_modules/xunit-viewer/bin/xunit-viewer.js");
    const page = join(out, "index.html");
    const said = execFileSync(process.execPath, [program, "--results", path, "--output", page], { encoding: "utf8" });
    assert.ok(existsSync(page) && !said.includes("Failed to parse"), said);
  } finally {
    rmSync(out, { recursive: true });
  }
}

function ownCtrf(path) {
  const ctrf = JSON.parse(readFileSync(path, "utf8"));
  const result = validate(ctrf);
  assert.ok(result.valid, JSON.stringify(result.errors));
  assert.equal(ctrf.results.summary.tests, verdicts.length);
  assert.equal(ctrf.results.summary.failed, count("failure", "error"));
}

const read = [];
for (const name of ["junit.xml", "junit.jenkins.xml"]) {
  const path = join(folder, name);
  if (!existsSync(path)) continue;
  await junit2json(path);
  await junitToCtrf(path);
  xunitViewer(path);
  read.push(name);
}
ownCtrf(join(folder, "report.ctrf.json"));
console.log(`${basename(folder)}: junit2json, junit-to-ctrf, xunit-viewer and ctrf agree on ${read.join(", ")}, report.ctrf.json`);
