// `jules-batch pulls` and Debian's gh tell the same world.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { checkout } from "./relay.mjs";
import { origin } from "./support.mjs";

const { home, env, batch } = checkout(`
version: 1
name: same world
poll: { interval: 50ms }
jobs:
  - { id: green, prompt: green same, source: my-org/web@main }
  - { id: red, prompt: red same, source: my-org/web@main }
  - { id: draft, prompt: draft same, source: my-org/web@main }
`);
const run = promisify(execFile);
const gh = async (...args) =>
  (await run("gh", args, { env: { ...env, GH_CONFIG_DIR: home, GH_HOST: "github.localhost", HTTP_PROXY: origin, GH_NO_UPDATE_NOTIFIER: "1" }, cwd: home })).stdout;
const told = async (...args) => {
  const { code, stdout, stderr } = await batch(...args);
  assert.equal(code, 0, stderr);
  return stdout;
};

test("pulls list and gh pr list tell the same", async () => {
  await told("run");
  const { pullRequests: ours, totals } = JSON.parse(await told("pulls", "--format", "json"));
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
  const after = JSON.parse(await told("pulls", "list", draft.name, "--format", "json"));
  assert.deepEqual(after.pullRequests.map((pull) => [pull.state, pull.stage]), [["closed", "closed"]]);
});
