import assert from "node:assert/strict";
import { test } from "node:test";

import { booked, jules, takeUntil, web } from "./support.mjs";

const limit = { timeout: 30_000 };

test("session(): waitFor, approve, ask, result", limit, async () => {
  const session = await jules.session({ prompt: "Talk with me", title: "A talk", source: web });
  await session.waitFor("awaitingPlanApproval");
  assert.equal((await session.info()).state, "awaitingPlanApproval");
  await session.approve();
  await session.waitFor("inProgress");
  const reply = await session.ask("How far are you?");
  assert.equal(reply.message, "Understood.");
  assert.equal(reply.originator, "agent");
  const outcome = await session.result();
  assert.equal(outcome.state, "completed");

  const seen = await booked(session.id);
  assert.equal(seen.body.requirePlanApproval, true);
  assert.equal(seen.approvals, 1);
  assert.deepEqual(seen.messages, ["How far are you?"]);
});

test("a question of the agent waits for its answer", limit, async () => {
  const session = await jules.session({ prompt: "Which way", source: web, requireApproval: false });
  await session.waitFor("awaitingUserFeedback");
  const asked = await takeUntil(session.stream(), (activity) => activity.message === "Left or right?");
  assert.equal(asked.at(-1).type, "agentMessaged");
  await session.send("Left.");
  const outcome = await session.result();
  assert.equal(outcome.state, "completed");
});

test("stream() of a session: history, then what is new, to the end", limit, async () => {
  const session = await jules.session({ prompt: "Tell as you go", source: web, requireApproval: false });
  const activities = await takeUntil(session.stream(), (activity) => activity.type === "sessionCompleted");
  assert.equal(activities[0].type, "planGenerated");
  assert.ok(activities[0].plan.steps.length >= 3);
  const first = await session.activities.get(activities[0].id);
  assert.equal(first.id, activities[0].id);
  const history = await takeUntil(session.history(), () => false);
  // A set: the SDK yields activities that share a millisecond again with every poll.
  const streamed = new Set(activities.map((activity) => activity.id));
  assert.deepEqual(new Set(history.map((activity) => activity.id)), streamed);
});

test("archive, unarchive, and the list of sessions", limit, async () => {
  const run = await jules.run({ prompt: "Soon archived", source: web });
  await run.result();
  const session = jules.session(run.id);
  const listed = async (filter) => (await jules.sessions({ filter, pageSize: 100 }).all()).map((session) => session.id);
  assert.ok((await listed()).includes(run.id));
  await session.archive();
  assert.ok(!(await listed()).includes(run.id));
  assert.ok((await listed("archived = true")).includes(run.id));
  await session.unarchive();
  assert.ok((await listed()).includes(run.id));
});

test("sessions(): newest first, over pages", limit, async () => {
  const mine = [];
  for (let n = 0; n < 5; n++) mine.unshift((await jules.run({ prompt: `Listed ${n}` })).id);
  const sessions = await jules.sessions({ pageSize: 2 }).all();
  const ids = sessions.map((session) => session.id).filter((id) => mine.includes(id));
  assert.deepEqual(ids, mine);
});
