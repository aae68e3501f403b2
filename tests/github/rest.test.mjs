import assert from "node:assert/strict";
import { test } from "node:test";
import { client, opened, origin, statistics, until } from "./support.mjs";

const { rest: github, paginate } = client();
const place = ({ owner, repo, pull_number }) => ({ owner, repo, pull_number });
const refused = (status) => (error) => error.status === status;

test("a session's pull request is listed, read, and tells who pushed", async () => {
  const pull = await opened("rest");
  const listed = (await github.pulls.list({ owner: pull.owner, repo: pull.repo })).data;
  assert.ok(listed.some(({ number }) => number === pull.number));
  const { data } = await github.pulls.get(place(pull));
  assert.equal(data.html_url, pull.url);
  assert.equal(data.body, pull.description);
  assert.equal(data.head.ref, pull.headRef);
  assert.match(data.body, new RegExp(`task \\[${pull.session}\\]\\(https://jules\\.google\\.com/task/${pull.session}\\) started by @octocat\\*$`));
  assert.equal((await until(async () => (await github.pulls.get(place(pull))).data.mergeable)), true);
  const pushes = (await github.repos.listActivities({ owner: pull.owner, repo: pull.repo, ref: pull.headRef })).data;
  assert.deepEqual(pushes.map((push) => [push.activity_type, push.actor.login, push.after]), [["branch_creation", "google-labs-jules[bot]", data.head.sha]]);
  assert.equal((await github.git.getRef({ owner: pull.owner, repo: pull.repo, ref: `heads/${pull.headRef}` })).data.object.sha, data.head.sha);
});

test("a merge is pinned, a branch is deleted, each once", async () => {
  const pull = await opened("merge");
  const { data } = await github.pulls.get(place(pull));
  await assert.rejects(github.pulls.merge({ ...place(pull), sha: "0".repeat(40) }), refused(409));
  await assert.rejects(github.pulls.checkIfMerged(place(pull)), refused(404));
  const merged = await github.pulls.merge({ ...place(pull), sha: data.head.sha, merge_method: "squash" });
  assert.equal(merged.data.merged, true);
  await assert.rejects(github.pulls.merge({ ...place(pull), sha: data.head.sha }), refused(405));
  assert.equal((await github.pulls.checkIfMerged(place(pull))).status, 204);
  const branch = { owner: pull.owner, repo: pull.repo, ref: `heads/${pull.headRef}` };
  assert.equal((await github.git.deleteRef(branch)).status, 204);
  await assert.rejects(github.git.deleteRef(branch), refused(422));
  const after = (await github.pulls.get(place(pull))).data;
  assert.deepEqual([after.state, after.merged, after.merged_by.login], ["closed", true, "octocat"]);
  const counted = (await statistics()).github.merges.filter((merge) => merge.url === pull.url);
  assert.deepEqual(counted.map(({ head, pinned }) => [head, pinned]), [[data.head.sha, true]]);
});

test("rules refuse, and a branch is brought up to date", async () => {
  const [first, second] = [await opened("strict one", "my-org/strict"), await opened("strict two", "my-org/strict")];
  await assert.rejects(github.pulls.merge({ ...place(first), merge_method: "rebase" }), /Rebase merges are not allowed/);
  await assert.rejects(github.pulls.merge({ ...place(first), merge_method: "squash" }), /approving review/);
  await assert.rejects(github.pulls.updateBranch(place(second)), refused(422));
});

test("closing, opening again, comments and reviews", async () => {
  const pull = await opened("closing rest");
  const comments = { owner: pull.owner, repo: pull.repo, issue_number: pull.number };
  const { data } = await github.issues.createComment({ ...comments, body: "Hello." });
  assert.equal(data.user.login, "octocat");
  assert.ok((await github.issues.listComments(comments)).data.some((comment) => comment.id === data.id));
  assert.equal((await github.pulls.update({ ...place(pull), state: "closed" })).data.state, "closed");
  assert.equal((await github.pulls.update({ ...place(pull), state: "open" })).data.state, "open");
  const eventful = await opened("eventful rest");
  const reviews = await until(async () => {
    const { data } = await github.pulls.listReviews(place(eventful));
    return data.length === 2 && data;
  });
  assert.equal(reviews[0].user.login, "alice");
  await until(async () => (await github.pulls.listCommits(place(eventful))).data.length > 1);
});

test("checks and statuses are two things", async () => {
  const pull = await opened("red rest");
  const ref = { owner: pull.owner, repo: pull.repo, ref: pull.headRef };
  const runs = await until(async () => {
    const { data } = await github.checks.listForRef(ref);
    return data.check_runs.every((run) => run.status === "completed") && data;
  });
  assert.deepEqual(runs.check_runs.map((run) => [run.name, run.conclusion]), [["build", "failure"]]);
  const { data } = await github.repos.getCombinedStatusForRef(ref);
  assert.deepEqual(data.statuses.map((status) => status.context), ["cla"]);
  await assert.rejects(client("fine").rest.checks.listForRef(ref), refused(403));
});

test("repositories: as the token sees them, by their new name, or not at all", async () => {
  const { data } = await github.repos.get({ owner: "my-org", repo: "strict" });
  assert.deepEqual([data.allow_squash_merge, data.allow_merge_commit, data.permissions.push], [true, false, true]);
  await opened("old", "my-org/old");
  // octokit follows the redirect to another address, which GitHub's description does not name.
  const moved = await until(async () => {
    const response = await fetch(`${origin}/repos/my-org/old`, { headers: { authorization: "token whole" }, redirect: "manual" });
    return response.status === 301 && response;
  });
  const there = await fetch(moved.headers.get("location"), { headers: { authorization: "token whole" } });
  assert.equal((await there.json()).full_name, "my-org/new");
  await assert.rejects(client("fine").rest.repos.get({ owner: "their-org", repo: "hidden" }), refused(404));
  await assert.rejects(client("nobody").rest.repos.get({ owner: "my-org", repo: "web" }), refused(401));
});

test("pages, budgets and tags are GitHub's", async () => {
  for (let n = 0; n < 3; n++) await opened(`page ${n}`, "my-org/queue");
  const all = await paginate(github.pulls.list, { owner: "my-org", repo: "queue", state: "all", per_page: 2 });
  assert.ok(all.length >= 3);
  const { data } = await github.rateLimit.get();
  assert.ok(data.resources.core.used > 0 && data.resources.graphql);
  const first = await github.repos.get({ owner: "my-org", repo: "queue" });
  assert.equal(first.headers["x-ratelimit-resource"], "core");
  await assert.rejects(github.repos.get({ owner: "my-org", repo: "queue", headers: { "if-none-match": first.headers.etag } }), refused(304));
  assert.equal((await github.users.getAuthenticated()).data.login, "octocat");
});

test("an enterprise's addresses lead to the same", async () => {
  const response = await fetch(`${origin}/api/v3/repos/my-org/web`, { headers: { authorization: "token whole" } });
  assert.equal((await response.json()).full_name, "my-org/web");
  const answer = await fetch(`${origin}/api/graphql`, {
    method: "POST", headers: { authorization: "bearer whole" }, body: JSON.stringify({ query: "{ viewer { login } }" }),
  });
  assert.equal((await answer.json()).data.viewer.login, "octocat");
});
