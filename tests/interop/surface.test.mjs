import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { surface } from "./surface.mjs";

test("the list that docs/client.md is held to is the SDK's", () => {
  const kept = readFileSync(new URL("surface.txt", import.meta.url), "utf8").trimEnd().split("\n");
  assert.deepEqual(surface(), kept);
});
