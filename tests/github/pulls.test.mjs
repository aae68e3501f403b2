// `jules-batch pulls` and Debian's gh tell the same world.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { origin } from "./support.mjs";

const home = mkdtempSync(join(tmpdir(), "jules-pulls-"));
const run = promisify(execFile);
const token = { GH_TOKEN: "whole", HOME: home, PATH: process.env.PATH, NO_COLOR: "1" };
const service = { JULES_BASE_URL: process.env.JULES_BASE_URL, JULES_API_KEY: process.env.JULES_API_KEY, GITHUB_API_URL: origin };
const program = process.env.JULES_BATCH ?? new URL("../../target/debug/jules-batch", import.meta.url).pathname;
const batch = async (...args) => (await run(program, args, { env: { ...token, ...service }, cwd: home })).stdout;
const gh = async (...args) =>
  (await run("gh", args, { env: { ...token, GH_CONFIG_DIR: home, GH_HOST: "github.localhost", HTTP_PROXY: origin, GH_NO_UPDATE_NOTIFIER: "1" }, cwd: home })).stdout;

test("pulls list and gh pr list tell the same", async () => {
  writeFileSync(join(home, "jobs.yaml"), `
version: 1
name: same world
poll: { interval: 50ms }
jobs:
  - { id: green, prompt: green same, source: my-org/web@main }
  - { id: red, prompt: red same, source: my-org/web@main }
  - { id: draft, prompt: draft same, source: my-org/web@main }
`);
  await batch("run");
  const { pullRequests: ours, totals } = JSON.parse(await batch("pulls", "--format", "json"));
  assert.equal(ours.length, 3);
  assert.equal(totals.unread, 0);
  const theirs = JSON.parse(await gh("pr", "list", "-R", "github.localhost/my-org/web", "--limit", "100",
    "--json", "number,title,state,headRefOid,isDraft,url"));
  for (const pull of ours) {
    const { title, state, headRefOid, isDraft } = theirs.find(({ url }) => url.endsWith(`/my-org/web/pull/${pull.number}`));
    assert.deepEqual([pull.title, pull.state.toUpperCase(), pull.head], [title, state, headRefOid]);
    assert.equal(isDraft, pull.task.startsWith("draft"));
  }
  const [draft] = ours.filter((pull) => pull.task.startsWith("draft"));
  await gh("pr", "close", String(draft.number), "-R", "github.localhost/my-org/web");
  const after = JSON.parse(await batch("pulls", "list", draft.name, "--format", "json"));
  assert.deepEqual(after.pullRequests.map((pull) => [pull.state, pull.stage]), [["closed", "closed"]]);
});
