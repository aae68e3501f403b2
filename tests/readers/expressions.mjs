// Holds expressions.json, which our own test of expressions reads, against GitHub's expressions: expressions.mjs [--write]
//
// `$a` and `$b` in a pattern are each of the values. A result is the text that a workflow would show, or null for an error.
// What we do otherwise stands under `differences`, with the reason.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";

import { data, Evaluator, Lexer, Parser } from "@actions/expressions";
import { parse } from "yaml";

const file = new URL("expressions.json", import.meta.url);
const table = JSON.parse(readFileSync(file, "utf8"));

function expressionData(value) {
  if (value === null) return new data.Null();
  if (typeof value === "boolean") return new data.BooleanData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (typeof value === "string") return new data.StringData(value);
  if (Array.isArray(value)) return new data.Array(...value.map(expressionData));
  return new data.Dictionary(...Object.entries(value).map(([key, inner]) => ({ key, value: expressionData(inner) })));
}

const context = new data.Dictionary({ key: "matrix", value: expressionData(parse(table.matrix)) });

function shown(expression) {
  try {
    const { tokens } = new Lexer(expression).lex();
    const tree = new Parser(tokens, ["matrix"], []).parse();
    return new Evaluator(tree, context).evaluate().coerceString();
  } catch {
    return null;
  }
}

const filled = (pattern, a, b) => pattern.replaceAll("$a", () => a).replaceAll("$b", () => b ?? "");
const results = {
  single: table.single.map((expression) => shown(expression)),
  unary: table.unary.map((pattern) => table.values.map((a) => shown(filled(pattern, a)))),
  binary: table.binary.map((pattern) => table.values.map((a) => table.values.map((b) => shown(filled(pattern, a, b))))),
};

if (process.argv.includes("--write")) {
  const lists = ["values", "unary", "binary", "single"];
  const rows = (list, indent) => list.map((row) => `${indent}${JSON.stringify(row)}`).join(",\n");
  const parts = [
    `  "matrix": ${JSON.stringify(table.matrix)}`,
    ...lists.map((name) => `  "${name}": [\n${rows(table[name], "    ")}\n  ]`),
    `  "results": {\n    "single": [\n${rows(results.single, "      ")}\n    ],\n    "unary": [\n${rows(results.unary, "      ")}\n    ],\n` +
      `    "binary": [\n${results.binary.map((rowsOf) => `      [\n${rows(rowsOf, "        ")}\n      ]`).join(",\n")}\n    ]\n  }`,
    `  "differences": ${JSON.stringify(table.differences, null, 2).replaceAll("\n", "\n  ")}`,
  ];
  writeFileSync(file, `{\n${parts.join(",\n")}\n}\n`);
}
assert.deepEqual(JSON.parse(readFileSync(file, "utf8")).results, results);
const { values, unary, binary, single } = table;
const count = single.length + unary.length * values.length + binary.length * values.length ** 2;
console.log(`expressions.json: ${count} expressions are worth what @actions/expressions has it`);
