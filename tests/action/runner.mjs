// A small GitHub runner: enough of one to run the composite action.yml of this repository as the real one does.
//
// Expressions are evaluated by GitHub's own package. Scripts run under the shell that `shell: bash` stands for, with the
// files that commands are written to. Steps that use other actions are not run: what they were given is recorded.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { Evaluator, Lexer, Parser, data } from "@actions/expressions";
import { parse } from "yaml";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const action = parse(readFileSync(join(root, "action.yml"), "utf8"));

/** The workflow around the action. */
const workflow = {
  github: {
    action_repository: "",
    repository: "my-org/web",
    server_url: "https://github.com",
    workflow: "nightly",
    job: "jules",
    run_id: "4711",
    run_attempt: "1",
  },
  strategy: { "job-index": 0, "job-total": 1 },
};

const contexts = ["github", "inputs", "steps", "runner", "strategy", "env"];
const statusFunctions = ["success", "failure", "always", "cancelled"];

function toData(value) {
  if (value === null || value === undefined) return new data.Null();
  if (typeof value === "string") return new data.StringData(value);
  if (typeof value === "number") return new data.NumberData(value);
  if (typeof value === "boolean") return new data.BooleanData(value);
  const pairs = Object.entries(value).map(([key, inner]) => ({ key, value: toData(inner) }));
  return new data.Dictionary(...pairs);
}

function evaluate(expression, context, status) {
  const answers = {
    success: !status.failed && !status.cancelled,
    failure: status.failed && !status.cancelled,
    always: true,
    cancelled: status.cancelled,
  };
  const functions = statusFunctions.map((name) => ({
    name,
    minArgs: 0,
    maxArgs: 0,
    call: () => new data.BooleanData(answers[name]),
  }));
  const { tokens } = new Lexer(expression).lex();
  const tree = new Parser(tokens, contexts, functions).parse();
  const named = new Map(functions.map((definition) => [definition.name, definition]));
  return new Evaluator(tree, toData(context), named).evaluate();
}

/** Fills in `${{ … }}`. */
function fill(text, context, status) {
  return String(text).replace(/\$\{\{(.*?)\}\}/gs, (_, code) => evaluate(code, context, status).coerceString());
}

/** As GitHub decides `if:`: without a status function, the steps before must have succeeded. */
function decides(condition, context, status) {
  const code = String(condition ?? "success()").replace(/^\$\{\{(.*)\}\}$/s, "$1");
  const asks = statusFunctions.some((name) => new RegExp(`\\b${name}\\s*\\(`, "i").test(code));
  const value = evaluate(asks ? code : `success() && (${code})`, context, status);
  const empty = [data.Kind.Null].includes(value.kind) || ["", "false", "0"].includes(value.coerceString());
  return !empty;
}

/** Reads a file of `name=value` and `name<<DELIMITER` as the runner does. */
export function readCommandFile(text) {
  const values = {};
  const lines = text.split(/\r?\n/);
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    if (line === "") continue;
    const equals = line.indexOf("=");
    const heredoc = line.indexOf("<<");
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      values[line.slice(0, equals)] = line.slice(equals + 1);
    } else if (heredoc > 0 && line.length > heredoc + 2) {
      const delimiter = line.slice(heredoc + 2);
      const end = lines.indexOf(delimiter, at + 1);
      if (end < 0) throw new Error(`no end of ${line}`);
      values[line.slice(0, heredoc)] = lines.slice(at + 1, end).join("\n");
      at = end;
    } else {
      throw new Error(`invalid line in a command file: ${line}`);
    }
  }
  return values;
}

/** The workflow commands of a log: `::name key=value,…::message`. */
export function commands(log) {
  const unescape = (text) => text.replace(/%0A/g, "\n").replace(/%0D/g, "\r").replace(/%3A/g, ":").replace(/%2C/g, ",").replace(/%25/g, "%");
  return log.split("\n").flatMap((line) => {
    const found = /^::([a-z-]+)(?: (.*?))?::(.*)$/.exec(line.trimStart());
    if (!found) return [];
    const properties = (found[2] ?? "").split(",").filter(Boolean).map((pair) => pair.split(/=(.*)/s).slice(0, 2));
    return [{ name: found[1], message: unescape(found[3]), ...Object.fromEntries(properties.map(([k, v]) => [k, unescape(v)])) }];
  });
}

/** What the runner hands to every step, and nothing of our own environment. */
function environment(job) {
  return {
    PATH: process.env.PATH,
    HOME: job.workspace,
    CI: "true",
    GITHUB_ACTIONS: "true",
    GITHUB_ACTION_PATH: job.actionPath,
    GITHUB_WORKSPACE: job.workspace,
    RUNNER_TEMP: job.temp,
    ...job.env,
  };
}

/** Runs a script as `shell: bash` does. `started` gets the step's first process. */
async function runScript(script, env, folder, started) {
  const files = mkdtempSync(join(tmpdir(), "jules-batch-step-"));
  const [path, output, summary] = ["script.sh", "output", "summary"].map((name) => join(files, name));
  writeFileSync(path, script);
  writeFileSync(output, "");
  writeFileSync(summary, "");
  const child = spawn("bash", ["--noprofile", "--norc", "-e", "-o", "pipefail", path], {
    cwd: folder,
    env: { ...env, GITHUB_OUTPUT: output, GITHUB_STEP_SUMMARY: summary },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let log = "";
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (log += text));
  started?.(child, () => log);
  const code = await new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (code, signal) => resolve(code ?? signal));
  });
  return { code, log, outputs: readCommandFile(readFileSync(output, "utf8")), summary: readFileSync(summary, "utf8") };
}

/**
 * Runs the action.
 *
 * `given` are its inputs as a workflow would write them. `job` has `workspace`, `temp`, `env`, and perhaps `actionPath`.
 * `onRun(child, log)` is called when the step `run` has started.
 */
export async function runAction(given, job, onRun) {
  job = { actionPath: root, env: {}, ...job };
  const unknown = Object.keys(given).filter((name) => !(name in action.inputs));
  if (unknown.length > 0) throw new Error(`no such input: ${unknown}`);
  const inputs = {};
  for (const [name, { default: value }] of Object.entries(action.inputs)) inputs[name] = given[name] ?? value ?? "";
  const runner = { os: "Linux", arch: "X64", temp: job.temp };
  const context = { ...workflow, ...job.context, inputs, runner, steps: {}, env: job.env };
  const status = { failed: false, cancelled: false };
  const steps = [];
  for (const step of action.runs.steps) {
    const ran = { name: step.name, outcome: "skipped" };
    steps.push(ran);
    if (decides(step.if, context, status)) {
      ran.outcome = "success";
      if (step.uses) {
        ran.uses = step.uses;
        ran.with = Object.fromEntries(Object.entries(step.with).map(([k, v]) => [k, fill(v, context, status)]));
      } else {
        const env = environment(job);
        for (const [name, value] of Object.entries(step.env ?? {})) env[name] = fill(value, context, status);
        const folder = resolve(job.workspace, fill(step["working-directory"] ?? ".", context, status));
        const started = step.id === "run" ? (child, log) => onRun?.(child, log, status) : undefined;
        Object.assign(ran, await runScript(fill(step.run, context, status), env, folder, started));
        if (ran.code !== 0) ran.outcome = status.cancelled ? "cancelled" : "failure";
      }
      if (ran.outcome === "failure") status.failed = true;
    }
    if (step.id) {
      context.steps[step.id] = { outputs: ran.outputs ?? {}, outcome: ran.outcome, conclusion: ran.outcome };
    }
  }
  const outputs = {};
  for (const [name, { value }] of Object.entries(action.outputs)) outputs[name] = fill(value, context, status);
  const byName = Object.fromEntries(steps.map((step) => [step.name, step]));
  return { outputs, steps: byName, run: byName.Run, failed: status.failed };
}
