// What the SDK's own newest tests do against the live service, as far as this version of it can.
import assert from "node:assert/strict";
import { test } from "node:test";

import { booked, jules, raw, takeUntil, web } from "./support.mjs";

const limit = { timeout: 30_000 };

/** Looks at a session until it is in this state: not through the SDK, which believes a first end for a day. */
async function until(id, state) {
  for (;;) {
    const session = await raw(`sessions/${id}`);
    if (session.state === state) return session;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

test("run(), stream() and result(), and no output of commands", limit, async () => {
  const run = await jules.run({ prompt: "Add a badge", source: web });
  const activities = await takeUntil(run.stream(), (activity) => activity.type === "sessionCompleted");
  const types = new Set(activities.flatMap(({ artifacts }) => artifacts.map((artifact) => artifact.type)));
  assert.deepEqual([...types], ["changeSet"]);
  const approval = activities.find((activity) => activity.type === "planApproved");
  assert.equal(approval.originator, "user");
  const outcome = await run.result();
  assert.equal(outcome.state, "completed");
  assert.ok(outcome.changeSet().parsed().files.length > 0);
});

test("the pull request names its session", limit, async () => {
  const run = await jules.run({ prompt: "Add another badge", source: web });
  const { pullRequest } = await run.result();
  assert.match(pullRequest.description, new RegExp(`for task \\[${run.id}\\]\\(https://jules\\.google\\.com/task/${run.id}\\)`));
  const session = await raw(`sessions/${run.id}`);
  const { baseRef, headRef } = session.outputs.at(-1).pullRequest;
  assert.equal(baseRef, "main");
  assert.ok(headRef.includes(run.id));
  assert.equal(session.sourceContext.workingBranch, headRef);
});

test("sessions(): archived ones alone, and both together", limit, async () => {
  const kept = await jules.run({ prompt: "Kept" });
  const archived = await jules.run({ prompt: "Put away" });
  await Promise.all([kept.result(), archived.result()]);
  await jules.session(archived.id).archive();
  const listed = async (filter) => {
    const sessions = await jules.sessions({ filter, pageSize: 100 }).all();
    const ids = sessions.map((session) => session.id);
    return [kept, archived].filter(({ id }) => ids.includes(id)).map(({ id }) => id);
  };
  assert.deepEqual(await listed(), [kept.id]);
  assert.deepEqual(await listed("archived = false"), [kept.id]);
  assert.deepEqual(await listed("archived = true"), [archived.id]);
  assert.deepEqual(await listed("archived = true OR archived = false"), [kept.id, archived.id]);
});

test("a message wakes a session that has completed", limit, async () => {
  const run = await jules.run({ prompt: "Soon woken", source: web });
  const { pullRequest } = await run.result();
  await jules.session(run.id).send("And the other file.");
  await until(run.id, "IN_PROGRESS");
  const session = await until(run.id, "COMPLETED");
  assert.deepEqual(session.outputs.slice(1).map((output) => output.pullRequest.url), [pullRequest.url]);
  const seen = await booked(run.id);
  assert.deepEqual([seen.ends.length, seen.wakes.map((wake) => wake.by), seen.pushes], [2, ["message"], 1]);
});

test("the question of a session that completed is its last word", limit, async () => {
  const run = await jules.run({ prompt: "Open end", source: web });
  const outcome = await run.result();
  assert.equal(outcome.state, "completed");
  assert.equal(outcome.pullRequest, undefined);
  const activities = await takeUntil(run.stream(), (activity) => activity.type === "sessionCompleted");
  assert.equal(activities.at(-2).message, "Shall I change the tests as well?");
});

test("the parameters that every Google API has", limit, async () => {
  const page = await raw("sessions?pageSize=1&fields=sessions(id)", process.env.JULES_API_KEY);
  assert.deepEqual(Object.keys(page), ["sessions"]);
  assert.deepEqual(Object.keys(page.sessions[0]), ["id"]);
});
