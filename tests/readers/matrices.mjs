// Expands matrices.yaml with jules-batch and by GitHub's rules, on GitHub's own packages: matrices.mjs PROGRAM
//
// The packages read the workflow and evaluate `==`; the expansion itself is not published, so its rules are written here after the
// documentation ("Running variations of jobs in a workflow").
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { register } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { data, Evaluator, Lexer, Parser } from "@actions/expressions";

// The parser is written for bundlers: it imports JSON as it is.
const loader = `import { readFileSync } from "node:fs";
export const load = (url, context, next) => url.endsWith(".json")
  ? { format: "module", shortCircuit: true, source: "export default " + readFileSync(new URL(url), "utf8") }
  : next(url, context);`;
register(`data:text/javascript,${encodeURIComponent(loader)}`);
const { NoOperationTraceWriter } = await import("@actions/workflow-parser/templates/trace-writer");
const { isBoolean, isMapping, isNumber, isSequence, isString } = await import("@actions/workflow-parser/templates/tokens/type-guards");
const { parseWorkflow } = await import("@actions/workflow-parser/workflows/workflow-parser");

const program = process.argv[2];
const text = readFileSync(new URL("matrices.yaml", import.meta.url), "utf8");

// A case is a line `--- NAME`, perhaps `| what differs`, and a matrix.
const cases = text.split(/^--- /m).slice(1).map((part) => {
  const [head, ...body] = part.split("\n");
  const [name, differs] = head.split(" | ");
  return { name, differs, matrix: body.filter((line) => !line.startsWith("#")).join("\n").trimEnd() };
});

const indented = (matrix, by) => matrix.split("\n").map((line) => " ".repeat(by) + line).join("\n");

function matrixToken(matrix) {
  const content = `on: push\njobs:\n  j:\n    runs-on: x\n    strategy:\n      matrix:\n${indented(matrix, 8)}\n    steps: [{ run: x }]\n`;
  const result = parseWorkflow({ name: "w.yaml", content }, new NoOperationTraceWriter());
  const errors = result.context.errors.getErrors().map((error) => error.message);
  assert.deepEqual(errors, []);
  return ["jobs", "j", "strategy", "matrix"].reduce((token, key) => token.find(key), result.value);
}

function value(token) {
  if (isMapping(token)) return new data.Dictionary(...[...token].map(({ key, value: inner }) => ({ key: String(key.value), value: value(inner) })));
  if (isSequence(token)) return new data.Array(...[...token].map(value));
  if (isString(token)) return new data.StringData(token.value);
  if (isNumber(token)) return new data.NumberData(token.value);
  return isBoolean(token) ? new data.BooleanData(token.value) : new data.Null();
}

const quoted = (string) => `'${String(string).replaceAll("'", "''")}'`;

// An expression for each leaf: `matrix['os']['version'] == 14`.
function conditions(path, token) {
  if (isMapping(token)) return [...token].flatMap(({ key, value: inner }) => conditions(`${path}[${quoted(key.value)}]`, inner));
  if (isSequence(token)) return [...token].flatMap((inner, at) => conditions(`${path}[${at}]`, inner));
  const literal = isString(token) ? quoted(token.value) : isNumber(token) || isBoolean(token) ? String(token.value) : "null";
  return [`${path} == ${literal}`];
}

function holds(condition, combination) {
  const context = new data.Dictionary({ key: "matrix", value: combination });
  const tree = new Parser(new Lexer(condition).lex().tokens, ["matrix"], []).parse();
  return new Evaluator(tree, context).evaluate().value === true;
}

const get = (pairs, key) => pairs.find((pair) => pair.key.toLowerCase() === key.toLowerCase());

function expand(token) {
  const pairs = [...token].map(({ key, value: inner }) => ({ key: key.value, inner }));
  const list = (name) => [...(get(pairs, name)?.inner ?? [])];
  const dimensions = pairs.filter(({ key }) => key !== "include" && key !== "exclude");
  let combinations = dimensions.length === 0 ? [] : [[]];
  for (const { key, inner } of dimensions) {
    combinations = combinations.flatMap((one) => [...inner].map((item) => [...one, { key, value: value(item) }]));
  }
  const matches = (entries, pairs) => {
    const combination = new data.Dictionary(...pairs);
    return entries.every(({ key, value: inner }) =>
      conditions(`matrix[${quoted(key.value)}]`, inner).every((condition) => holds(condition, combination)));
  };
  combinations = combinations.filter((one) => !list("exclude").some((entry) => matches([...entry], one)));
  const extended = combinations.map((one) => [...one]);
  const alone = [];
  for (const entry of list("include")) {
    const isOriginal = ({ key }) => get(dimensions, key.value) !== undefined;
    const [filter, extra] = [[...entry].filter(isOriginal), [...entry].filter((pair) => !isOriginal(pair))];
    let fits = false;
    combinations.forEach((one, at) => {
      if (!matches(filter, one)) return;
      fits = true;
      for (const { key, value: inner } of extra) {
        const there = get(extended[at], key.value);
        if (there) there.value = value(inner);
        else extended[at].push({ key: key.value, value: value(inner) });
      }
    });
    if (!fits) alone.push([...entry].map(({ key, value: inner }) => ({ key: String(key.value), value: value(inner) })));
  }
  return [...extended, ...alone];
}

function ours(matrix, folder) {
  const file = join(folder, "jobs.yaml");
  writeFileSync(file, `jobs:\n  - id: j\n    prompt: p\n    matrix:\n${indented(matrix, 6)}\n`);
  const plan = execFileSync(program, ["plan", file, "--format", "json"], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  return JSON.parse(plan).tasks.map((task) => task.matrix);
}

// Keys without case and in any order; a number that we keep as it is written is the number that it spells.
function plain(one) {
  if (one === null || typeof one === "boolean" || typeof one === "number") return one;
  if (typeof one === "string") return one !== "" && !Number.isNaN(Number(one)) ? Number(one) : one;
  if (Array.isArray(one)) return one.map(plain);
  return Object.fromEntries(Object.entries(one).map(([key, inner]) => [key.toLowerCase(), plain(inner)]).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function json(one) {
  if (one.kind === data.Kind.Dictionary) return Object.fromEntries(one.pairs().map(({ key, value: inner }) => [key, json(inner)]));
  if (one.kind === data.Kind.Array) return one.values().map(json);
  return one.kind === data.Kind.Null ? null : one.value;
}

const folder = mkdtempSync(join(tmpdir(), "matrices-"));
let differences = 0;
try {
  for (const { name, differs, matrix } of cases) {
    const theirs = expand(matrixToken(matrix)).map((pairs) => plain(Object.fromEntries(pairs.map(({ key, value: inner }) => [key, json(inner)]))));
    let found;
    try {
      found = ours(matrix, folder).map(plain);
    } catch (error) {
      found = String(error.stderr).split("\n")[0];
    }
    if (differs) {
      differences += 1;
      assert.notDeepEqual(found, theirs, `${name} differs no more: ${differs}`);
    } else {
      assert.deepEqual(found, theirs, `${name}\n${matrix}\n${JSON.stringify({ found, theirs })}`);
    }
  }
} finally {
  rmSync(folder, { recursive: true });
}
console.log(`matrices.yaml: ${cases.length - differences} matrices expand as on GitHub, ${differences} differ as documented`);
