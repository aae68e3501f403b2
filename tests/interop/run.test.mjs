import assert from "node:assert/strict";
import { test } from "node:test";

import { booked, jules, stranger, takeUntil, web } from "./support.mjs";

const limit = { timeout: 30_000 };

test("run() and result(): a pull request", limit, async () => {
  const run = await jules.run({ prompt: "Fix the login", title: "Fix the login", source: web });
  const outcome = await run.result();
  assert.equal(outcome.state, "completed");
  assert.match(outcome.pullRequest.url, /^https:\/\/github\.com\/my-org\/web\/pull\/\d+$/);
  assert.equal(outcome.pullRequest.title, "Fix the login");
  assert.ok(outcome.changeSet().parsed().files.length > 0);
  assert.ok(outcome.generatedFiles().all().length > 0);

  const session = await booked(run.id);
  assert.equal(session.body.automationMode, "AUTO_CREATE_PR");
  assert.equal(session.body.requirePlanApproval, false);
  assert.equal(session.pullRequest, outcome.pullRequest.url);
});

test("run() without a source: a change set and no pull request", limit, async () => {
  const run = await jules.run({ prompt: "Write a haiku" });
  const outcome = await run.result();
  assert.equal(outcome.state, "completed");
  assert.equal(outcome.pullRequest, undefined);
  assert.ok(outcome.changeSet());
});

test("run() of a session that fails", limit, async () => {
  const run = await jules.run({ prompt: "Break the build", source: web });
  await assert.rejects(run.result(), { name: "AutomatedSessionFailedError" });
  const activities = await takeUntil(run.stream(), (activity) => activity.type === "sessionFailed");
  assert.equal(activities.at(-1).reason, "The build is broken.");
});

test("stream() of a run: each activity once, oldest first, every kind of artifact", limit, async () => {
  const run = await jules.run({ prompt: "Show everything", source: web });
  const activities = await takeUntil(run.stream(), (activity) => activity.type === "sessionCompleted");
  assert.equal(new Set(activities.map((activity) => activity.id)).size, activities.length);
  const times = activities.map((activity) => Date.parse(activity.createTime));
  assert.deepEqual(times, times.toSorted((a, b) => a - b));
  const types = new Set(activities.map((activity) => activity.type));
  for (const type of ["planGenerated", "planApproved", "progressUpdated", "agentMessaged"]) {
    assert.ok(types.has(type), `${type} is missing in ${[...types]}`);
  }
  const artifacts = new Set(activities.flatMap((activity) => activity.artifacts.map((artifact) => artifact.type)));
  assert.deepEqual([...artifacts].toSorted(), ["bashOutput", "changeSet", "media"]);
});

test("all(): results in the order of the items", limit, async () => {
  const tasks = Array.from({ length: 8 }, (_, n) => `Task ${n}`);
  const runs = await jules.all(tasks, (task) => ({ prompt: task, title: task, source: web }), { concurrency: 3 });
  const outcomes = await Promise.all(runs.map((run) => run.result()));
  assert.deepEqual(outcomes.map((outcome) => outcome.title), tasks);
  assert.ok(outcomes.every((outcome) => outcome.state === "completed" && outcome.pullRequest));
  const numbers = outcomes.map((outcome) => outcome.pullRequest.url);
  assert.equal(new Set(numbers).size, tasks.length);
});

test("a key that is not accepted", limit, async () => {
  await assert.rejects(stranger.run({ prompt: "x" }), { name: "JulesAuthenticationError" });
});
