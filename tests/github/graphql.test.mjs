import assert from "node:assert/strict";
import { test } from "node:test";
import { ask, raw, client, conforms, opened, queries, schema, statistics, until } from "./support.mjs";

const known = async (ids, token) => ask(queries.Known, { ids }, token);
const idOf = async ({ owner, repo, number }) =>
  (await ask(queries.First, { owner, name: repo, number })).data?.p0?.pullRequest?.id;

test("a partial answer has null and an error for each that is missing", async () => {
  const id = await idOf(await opened("partial"));
  const answer = await known([id, "PR_none", id]);
  assert.deepEqual(answer.data.nodes.map((node) => node?.id ?? null), [id, null, id]);
  assert.deepEqual(answer.errors.map((error) => [error.type, error.path]), [["NOT_FOUND", ["nodes", 1]]]);
});

test("every question is GitHub's, and every answer", async () => {
  for (const query of Object.values(queries)) conforms(query);
  for (const prompt of ["green", "red", "endless", "bare", "draft", "eventful"]) {
    const pull = await opened(`${prompt} for graphql`);
    const first = (await ask(queries.First, { owner: pull.owner, name: pull.repo, number: pull.number })).data.p0.pullRequest;
    assert.equal(first.mergeable, "UNKNOWN");
    const { id } = first;
    const seen = async () => (await known([id])).data.nodes[0];
    await until(async () => (await seen()).mergeStateStatus !== "UNKNOWN");
    if (prompt === "eventful") await until(async () => (await ask(queries.Details, { ids: [id] })).data.nodes[0].timelineItems.nodes.some((item) => item.__typename === "ReviewDismissedEvent"));
    const details = await ask(queries.Details, { ids: [id] });
    assert.equal(details.errors, undefined);
    assert.equal(details.data.rateLimit.cost, 1);
  }
});

test("a pull request by id costs a point for a hundred", async () => {
  const id = await idOf(await opened("cost"));
  // The reset is told in whole seconds, and an hour of the scenario lasts six: it may be within this one.
  const asked = Math.floor(Date.now() / 1000);
  const answer = await known(Array(100).fill(id));
  assert.equal(answer.data.rateLimit.cost, 1);
  assert.equal(answer.headers.get("etag"), null);
  assert.equal(answer.headers.get("x-ratelimit-resource"), "graphql");
  assert.ok(Number(answer.headers.get("x-ratelimit-reset")) >= asked);
});

test("what runs, who reviews and what was done is told", async () => {
  const red = await idOf(await opened("red contexts"));
  const failed = await until(async () => {
    const node = (await ask(queries.Details, { ids: [red] })).data.nodes[0];
    return node.statusCheckRollup?.state === "FAILURE" && node.statusCheckRollup.contexts.nodes.every((one) => one.conclusion || one.state === "SUCCESS") && node;
  });
  const contexts = failed.statusCheckRollup.contexts.nodes.map((one) => [one.__typename, one.name ?? one.context, one.conclusion ?? one.state]);
  assert.deepEqual(contexts.sort(), [["CheckRun", "build", "FAILURE"], ["StatusContext", "cla", "SUCCESS"]]);
});

test("the newest of two repositories, by one question", async () => {
  const { number } = await opened("newest", "my-org/queue");
  const { data } = await ask(queries.Newest, { owner: "my-org", a: "queue", b: "web" });
  assert.equal(data.rateLimit.cost, 1);
  assert.equal(data.a.pullRequests.nodes[0].number, number);
  assert.ok(data.b.pullRequests.nodes.some((pull) => pull.author.login === "renovate"));
});

test("tokens of one owner read in part", async () => {
  const id = await idOf(await opened("fine"));
  const answer = await known([id], "fine");
  assert.equal(answer.data.nodes[0].statusCheckRollup, null);
  assert.equal(answer.errors[0].type, "FORBIDDEN");
  const hidden = await ask("{ repository(owner: \"their-org\", name: \"hidden\") { id } }", {}, "fine");
  assert.equal(hidden.data.repository, null);
  assert.equal(hidden.errors[0].type, "NOT_FOUND");
});

test("a merge queue takes, and an armed merge waits", async () => {
  const queued = await opened("queued", "my-org/queue");
  const id = await idOf(queued);
  const green = await until(async () => {
    const pull = (await known([id])).data.nodes[0];
    return pull.statusCheckRollup?.state === "SUCCESS" && pull;
  });
  const { data } = await ask(queries.Enqueue, { input: { pullRequestId: id, expectedHeadOid: green.headRefOid } });
  assert.equal(data.enqueuePullRequest.mergeQueueEntry.pullRequest.isInMergeQueue, true);
  await until(async () => (await known([id])).data.nodes[0].state === "MERGED");
  const armed = await idOf(await opened("endless", "my-org/queue"));
  await known([armed]);
  const arming = await ask(queries.Arm, { input: { pullRequestId: armed, mergeMethod: "SQUASH" } });
  assert.equal(arming.data.enablePullRequestAutoMerge.pullRequest.autoMergeRequest.mergeMethod, "SQUASH");
  const { merges } = (await statistics()).github;
  assert.equal(merges.find((merge) => merge.url === queued.url).pinned, true);
});

test("octokit's graphql finds GitHub, and a comment is one", async () => {
  const octokit = client();
  const { viewer } = await octokit.graphql("{ viewer { login } }");
  assert.equal(viewer.login, "octocat");
  const id = await idOf(await opened("comment"));
  const { addComment } = await octokit.graphql(queries.Comment, { input: { subjectId: id, body: "Well done." } });
  assert.deepEqual(addComment.commentEdge.node.author, { __typename: "User", login: "octocat" });
  await assert.rejects(octokit.graphql("{ node(id: \"PR_none\") { id } }"), /Could not resolve to a node/);
});

test("introspection tells the part that is played", async () => {
  const { data } = await raw("{ __type(name: \"PullRequest\") { fields(includeDeprecated: true) { name } } }");
  const theirs = schema.getType("PullRequest").getFields();
  for (const { name } of data.__type.fields) assert.ok(theirs[name], name);
});
