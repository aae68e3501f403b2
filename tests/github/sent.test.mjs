// What the real program sends is what GitHub's own descriptions allow: each query and mutation of GraphQL, each request of REST;
// and so is each answer that it gets.
import assert from "node:assert/strict";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { after, before, test } from "node:test";
import { parse } from "graphql";
import { conforms, costOf, described, schema, statistics, template } from "./support.mjs";
import { checkout, listening } from "./relay.mjs";

const manifest = `
version: 1
name: as sent
poll: { interval: 50ms }
jobs:
  - { id: green, prompt: green sent, sources: [my-org/web@main, my-org/queue@main] }
  - { id: red, prompt: red sent, source: my-org/web@main }
  - { id: bare, prompt: bare sent, source: my-org/web@main }
  - { id: nameless, prompt: nameless sent, source: my-org/web@main }
  - { id: strict, prompt: approved sent, source: my-org/strict@main }
`;

/** A query without what differs between two of its kind: how many are asked about. */
function shape(query) {
  const names = [...query.matchAll(/\.\.\. on (\w+)|(\w+)(?=\s*[({:])|\b\w+\b/g)].map(([word]) => word.replace(/\d+$/, ""));
  return [...new Set(names)].sort().join(" ");
}

let relay;
let asked;
before(async () => {
  relay = await listening();
  const { home, batch } = checkout(manifest, relay.address);
  const ran = await batch("run");
  assert.equal(ran.code, 0, ran.stderr);
  // Checks have their end a tenth of a second after the pull request is there, and a review comes.
  await sleep(500);
  // The ledger is lost: the repositories are searched for what it had.
  rmSync(join(home, ".jules-batch"), { recursive: true });
  const again = await batch("run");
  assert.equal(again.code, 0, again.stderr);
  for (const command of [
    ["doctor"],
    ["pulls", "update", "--yes"],
    ["pulls", "merge", "--settle", "100ms", "--unchecked", "--yes"],
    ["pulls", "close", "--select", "job(red)", "--delete-branch", "--yes"],
    ["pulls", "list", "--select", "pr(closed) | pr(merged)"],
  ]) {
    const { stderr, stdout, code } = await batch(...command);
    assert.ok([0, 1, 5].includes(code), `${command}: ${code}\n${stderr}${stdout}`);
  }
  asked = relay.exchanges.filter(({ path }) => path === "/graphql");
});
after(() => relay.stop());

test("each query and mutation that the program has was sent", () => {
  const source = readFileSync(new URL("../../src/github/query.rs", import.meta.url), "utf8");
  const known = [...source.matchAll(/pub\(super\) fn (\w+)\([^)]*\) -> Query/g)].map(([, name]) => name);
  const shapes = new Set(asked.map(({ sent }) => shape(sent.query)));
  assert.ok(known.length >= 8);
  assert.equal(shapes.size, known.length, `${known}\n${[...shapes].join("\n")}`);
});

test("each is one that GitHub's schema allows, with its variables, and so is its answer", () => {
  assert.ok(asked.length > 10);
  for (const { sent, status, answer } of asked) {
    assert.equal(status, 200);
    conforms(sent.query, sent.variables, answer.data);
    assert.deepEqual(Object.keys(sent).sort(), ["query", "variables"]);
  }
});

test("a referee that sees nothing is none", () => {
  const { sent } = asked.find(({ sent }) => sent.query.includes("headRefOid"));
  assert.throws(() => conforms(sent.query.replace("headRefOid", "headOid"), sent.variables), /Cannot query field "headOid"/);
  assert.throws(() => conforms(sent.query, { ids: null, o0: 1 }), /got invalid value|must not be null|was not provided/);
});

test("a hundred pull requests, twenty in detail, and fifty repositories cost a point each", () => {
  for (const { sent, answer } of asked) {
    const is = (word) => sent.query.includes(word);
    if (is("mutation")) continue;
    // What was asked for a few has the same text for as many as are ever asked for at once.
    const most = is("pullRequests(") ? 50 : is("labels(") ? 20 : 100;
    const { points, nodes } = costOf(sent.query, sent.variables, most);
    assert.equal(points, 1, sent.query);
    assert.ok(nodes <= 500_000, `${nodes} nodes`);
    assert.equal(answer.data.rateLimit.cost, costOf(sent.query, sent.variables).points);
  }
});

test("each request of REST is one that GitHub describes, and so is its answer", async () => {
  const others = relay.exchanges.filter(({ path }) => path !== "/graphql");
  const kinds = new Set();
  for (const { method, path, sent, status, answer } of others) {
    const operation = template(path);
    kinds.add(`${method} ${operation}`);
    described(method, operation, status, answer, sent);
  }
  const merge = "PUT /repos/{owner}/{repo}/pulls/{pull_number}/merge";
  for (const kind of [merge, "GET /repos/{owner}/{repo}/activity", "PATCH /repos/{owner}/{repo}/pulls/{pull_number}", "DELETE /repos/{owner}/{repo}/git/refs/{ref}"]) {
    assert.ok(kinds.has(kind), `${kind} was not sent: ${[...kinds].join(", ")}`);
  }
  const { merges } = (await statistics()).github;
  assert.ok(merges.length > 0 && schema.getType("PullRequest"));
});
