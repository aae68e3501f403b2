// Holds equality.json, which our own test of equality reads, against `==` of GitHub's expressions: equality.mjs [--write]
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

import { data } from "@actions/expressions";
import { equals } from "@actions/expressions/result";
import { parse } from "yaml";

const file = new URL("equality.json", import.meta.url);
const table = JSON.parse(readFileSync(file, "utf8"));

function expressionData(value) {
  if (value === null) return new data.Null();
  if (typeof value === "boolean") return new data.BooleanData(value);
  return typeof value === "string" ? new data.StringData(value) : new data.NumberData(value);
}

const values = table.values.map((yaml) => expressionData(parse(yaml)));
// For each value the places of those that it equals.
const equal = values.map((one) => values.flatMap((other, at) => (equals(one, other) ? [at] : [])));
if (process.argv.includes("--write")) {
  const rows = (list) => list.map((row) => `    ${JSON.stringify(row)}`).join(",\n");
  const text = `{\n  "values": ${JSON.stringify(table.values)},\n  "equal": [\n${rows(equal)}\n  ]\n}\n`;
  writeFileSync(file, text);
}
assert.deepEqual(JSON.parse(readFileSync(file, "utf8")).equal, equal);
console.log(`equality.json: ${values.length} values equal each other as @actions/expressions has it`);
