// Debian's gh, which speaks plain HTTP to a host named github.localhost, and through a proxy to wherever that proxy is.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { ask, opened, origin, queries, statistics, until } from "./support.mjs";

const home = mkdtempSync(join(tmpdir(), "jules-gh-"));
const env = {
  PATH: process.env.PATH, HOME: home, GH_CONFIG_DIR: home, GH_HOST: "github.localhost", GH_TOKEN: "whole", HTTP_PROXY: origin,
  GH_NO_UPDATE_NOTIFIER: "1", GH_PROMPT_DISABLED: "1", NO_COLOR: "1",
};
const repository = (name) => ["-R", `github.localhost/my-org/${name}`];
const run = promisify(execFile);
const gh = async (...args) => (await run("gh", args, { env, cwd: home })).stdout;
const json = async (...args) => JSON.parse(await gh(...args));

const fields = "number,title,state,headRefName,headRefOid,isDraft,url,author,baseRefName,createdAt,mergeable,mergeStateStatus,reviewDecision,statusCheckRollup,additions,deletions,changedFiles,labels,reviews,comments,body,isCrossRepository,closedAt,mergedAt";

test("pr list and pr view see the world that the questions see", async () => {
  for (const prompt of ["green gh", "red gh", "draft gh"]) await opened(prompt);
  const listed = await json("pr", "list", ...repository("web"), "--limit", "100", "--json", "number,title,state,headRefName,headRefOid,isDraft,url,author");
  const { data } = await ask(queries.Newest, { owner: "my-org", a: "web", b: "queue" });
  const ours = data.a.pullRequests.nodes.filter((pull) => pull.state === "OPEN");
  assert.deepEqual(listed.slice(0, ours.length).map((pull) => [pull.number, pull.headRefName]), ours.map((pull) => [pull.number, pull.headRefName]));
  assert.match(await gh("pr", "list", ...repository("web"), "--state", "all"), /green gh/);
  assert.match(await gh("pr", "list", ...repository("web"), "--search", "renovate"), /Bump serde|/);
  for (const { number, id } of ours.slice(0, 3)) {
    const view = await json("pr", "view", String(number), ...repository("web"), "--json", fields);
    const reading = (await ask(queries.Known, { ids: [id] })).data.nodes[0];
    for (const name of ["title", "state", "headRefOid", "headRefName", "isDraft", "url", "reviewDecision"]) {
      assert.equal(view[name] || null, reading[name] || null, name);
    }
    assert.match(await gh("pr", "view", String(number), ...repository("web")), /title:/);
  }
});

test("pr checks fails where one failed", async () => {
  const { number, url } = await opened("red gh checks");
  const failed = await until(() => gh("pr", "checks", String(number), ...repository("web")).then(() => null, (error) => /fail/.test(error.stdout) && !/pending/.test(error.stdout) && error));
  assert.match(failed.stdout, /build\s+fail/);
  assert.match(failed.stdout, /cla\s+pass/);
  assert.ok(url);
});

test("pr merge pins the head, pr close and comment do what they say", async () => {
  const pull = await opened("merge gh");
  const [name, number] = [repository("web"), String(pull.number)];
  const { headRefOid } = await until(async () => {
    const view = await json("pr", "view", number, ...name, "--json", "headRefOid,mergeable,mergeStateStatus");
    return view.mergeStateStatus === "CLEAN" && view;
  });
  await assert.rejects(gh("pr", "merge", number, ...name, "--squash", "--match-head-commit", "0".repeat(40)));
  await gh("pr", "merge", number, ...name, "--squash", "--match-head-commit", headRefOid);
  assert.equal((await json("pr", "view", number, ...name, "--json", "state")).state, "MERGED");
  const merge = (await statistics()).github.merges.find((merge) => merge.url === pull.url);
  assert.deepEqual([merge.head, merge.pinned], [headRefOid, true]);

  const other = String((await opened("close gh")).number);
  await gh("pr", "comment", other, ...name, "--body", "No, thank you.");
  await gh("pr", "close", other, ...name);
  const closed = await json("pr", "view", other, ...name, "--json", "state,comments");
  assert.deepEqual([closed.state, closed.comments.map((comment) => comment.body)], ["CLOSED", ["No, thank you."]]);
  await gh("pr", "reopen", other, ...name);
  assert.equal((await json("pr", "view", other, ...name, "--json", "state")).state, "OPEN");
});

test("an armed merge, drafts, and api", async () => {
  const number = String((await opened("endless gh", "my-org/queue")).number);
  const name = repository("queue");
  await json("pr", "view", number, ...name, "--json", "mergeStateStatus");
  await gh("pr", "merge", number, ...name, "--auto", "--squash");
  const armed = "query ($n: Int!) { repository(owner: \"my-org\", name: \"queue\") { pullRequest(number: $n) { autoMergeRequest { mergeMethod } } } }";
  const { data } = await ask(armed, { n: Number(number) });
  assert.equal(data.repository.pullRequest.autoMergeRequest.mergeMethod, "SQUASH");
  await gh("pr", "ready", number, ...name).catch(() => {});
  assert.equal(JSON.parse(await gh("api", "repos/my-org/queue")).full_name, "my-org/queue");
  assert.match(await gh("api", "graphql", "-f", "query={ viewer { login } }"), /octocat/);
});
