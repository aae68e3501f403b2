import assert from "node:assert/strict";
import { test } from "node:test";

import { jules } from "./support.mjs";

const limit = { timeout: 30_000 };

test("sources(): all pages", limit, async () => {
  const names = [];
  for await (const source of jules.sources()) names.push(source.name);
  assert.equal(names.length, 132);
  assert.equal(new Set(names).size, 132);
  assert.equal(names[0], "sources/github/my-org/backend");
});

test("sources.get(): one repository, or none", limit, async () => {
  const source = await jules.sources.get({ github: "my-org/backend" });
  assert.equal(source.type, "githubRepo");
  assert.equal(source.githubRepo.defaultBranch, "develop");
  assert.deepEqual(source.githubRepo.branches, ["main", "develop"]);
  assert.equal(source.githubRepo.isPrivate, true);
  assert.equal(await jules.sources.get({ github: "my-org/elsewhere" }), undefined);
});

test("a source that is not connected", limit, async () => {
  const run = jules.run({ prompt: "x", source: { github: "my-org/elsewhere", baseBranch: "main" } });
  await assert.rejects(run, { name: "SourceNotFoundError" });
});
