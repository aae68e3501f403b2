// action.yml from the outside: what a workflow gives, and what it gets.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { action, commands, runAction } from "./runner.mjs";
import { binary, job, startService } from "./service.mjs";

const scenario = `
speed: 600
keys: [the-key]
sources:
  - { repo: my-org/backend }
  - { repo: my-org/web }
defaults: { duration: 1m, outcome: pull-request }
rules:
  - when: { prompt: "Break it" }
    then: { outcome: failure, failure-reason: "It broke.\\n::set-output name=total::666\\n##[error]no" }
  - when: { prompt: "Take your time" }
    then: { duration: 10h }
  - when: { prompt: "Merge me" }
    then: { on-github: { checks: [{ name: build, appears: 0s, queued: 0s, lasts: 1m }] } }
  - when: { prompt: "Leave me" }
    then: { on-github: { checks: [{ name: build, appears: 0s, queued: 0s, lasts: 1m, ends: failure }] } }
github:
  tokens: [{ token: ghp_whole }]
  repositories: [{ mergeable-after: 0s }]
`;

/** Each test has tasks of its own: a session of the same task would be adopted. */
const manifest = (name) => `
version: 1
name: ${name}
vars: { what: it }
poll: { interval: 50ms }
jobs:
  - { id: fix, prompt: "Fix \${{ vars.what }}", sources: [my-org/backend@main, my-org/web@main], tags: [good] }
`;

const base = { "binary-path": binary, "jules-api-key": "the-key" };
const quick = { "extra-args": "--poll-interval\n50ms" };
const restore = "Restore the ledger";
const save = "Save the ledger";
const upload = "Upload the reports";

let service;
before(async () => (service = await startService(scenario)));
after(() => service.stop());

test("a manifest runs to its outputs, its summary and its reports", async () => {
  const here = job(service, { "jobs.yaml": manifest("complete") });
  const { outputs, run, steps, failed } = await runAction(base, here);
  assert.equal(failed, false, run.log);
  assert.equal(outputs.outcome, "success");
  assert.equal(outputs["exit-code"], "0");
  assert.equal(outputs.total, "2");
  assert.equal(outputs.remaining, "0");
  assert.equal(JSON.parse(outputs.counts).succeeded, 2);
  const pulls = JSON.parse(outputs["pull-requests"]);
  assert.deepEqual(pulls.map((pull) => pull.task), ["fix/my-org/backend@main", "fix/my-org/web@main"]);
  assert.match(pulls[0].url, /^https:\/\/github\.com\/my-org\/backend\/pull\/\d+$/);
  assert.deepEqual(JSON.parse(outputs["failed-tasks"]), []);
  assert.equal(outputs["report-dir"], join(here.workspace, "jules-report"));
  const report = JSON.parse(readFileSync(outputs["report-json"], "utf8"));
  assert.equal(report.run.id, outputs["run-id"]);
  assert.match(readFileSync(outputs["report-junit"], "utf8"), /<testsuites/);
  assert.match(outputs.version, /^\d+\.\d+\.\d+/);
  assert.match(run.summary, /complete/);
  assert.deepEqual(commands(run.log), []);
  assert.ok(!run.log.includes("the-key"));
  assert.equal(steps[upload].with.path, "./jules-report");
});

test("the ledger is kept between runs under a key that the next run finds", async () => {
  const { steps } = await runAction({ ...base, ...quick, prompt: "Fix it" }, job(service));
  assert.equal(steps[restore].with.path, "./.jules-batch");
  assert.equal(steps[save].with.path, steps[restore].with.path);
  assert.equal(steps[save].with.key, steps[restore].with.key);
  const prefix = steps[restore].with["restore-keys"];
  assert.ok(steps[save].with.key.startsWith(prefix) && steps[save].with.key !== prefix);
  const again = { ...job(service), context: { github: { workflow: "nightly", job: "jules", run_id: "4712", run_attempt: "1" } } };
  const next = await runAction({ ...base, ...quick, prompt: "Fix it" }, again);
  assert.notEqual(next.steps[save].with.key, steps[save].with.key);
  assert.equal(next.steps[restore].with["restore-keys"], prefix);
});

test("a prompt and sources do without a manifest", async () => {
  const given = { ...base, ...quick, prompt: "Fix the build", sources: "my-org/backend@main\n\nmy-org/web\n", "starting-branch": "main" };
  const { outputs, run } = await runAction(given, job(service));
  assert.equal(outputs.outcome, "success", run.log);
  assert.equal(outputs.total, "2");
  const sessions = (await service.statistics("/sessions")).filter((session) => session.prompt === "Fix the build");
  assert.equal(sessions.length, 2);
  assert.doesNotMatch(readFileSync(outputs["report-junit"], "utf8"), / file=/, "there is no file to point at");
});

test("a prompt file does as well, without any repository", async () => {
  const here = job(service, { "prompt.md": "Write a poem" });
  const { outputs, run } = await runAction({ ...base, ...quick, "prompt-file": "prompt.md" }, here);
  assert.equal(outputs.outcome, "success", run.log);
  assert.equal(outputs.total, "1");
});

test("failed tasks fail the step, and the rest is done all the same", async () => {
  const here = job(service, { "jobs.yaml": manifest("failing").replace("Fix \${{", "Break it, \${{") });
  const { outputs, run, steps, failed } = await runAction(base, here);
  assert.equal(run.code, 100, run.log);
  assert.equal(failed, true);
  assert.equal(outputs.outcome, "failure");
  assert.equal(outputs["exit-code"], "100");
  assert.equal(outputs.total, "2");
  const tasks = JSON.parse(outputs["failed-tasks"]);
  assert.deepEqual(tasks.map((task) => task.outcome), ["failed", "failed"]);
  assert.ok(tasks.every((task) => task.session.startsWith("sessions/")));
  const errors = commands(run.log);
  assert.deepEqual(errors.map((command) => command.name), ["error", "error"]);
  assert.ok(errors.every((error) => error.file === "jobs.yaml" && error.message.includes("It broke.")));
  assert.ok(!/^::set-output/m.test(run.log) && !run.log.includes("##[error]"), run.log);
  assert.match(run.summary, /It broke\./);
  assert.equal(steps[save].outcome, "success");
  assert.equal(steps[upload].outcome, "success");
});

test("annotations name the manifest as the repository does", async () => {
  const broken = (name) => manifest(name).replace("Fix \${{", "Break it, \${{");
  const here = job(service, { "ci/jules/jobs.yaml": broken("elsewhere") });
  const { run, steps } = await runAction({ ...base, "working-directory": "ci", manifest: "jules/jobs.yaml" }, here);
  assert.deepEqual(commands(run.log).map((error) => error.file), ["ci/jules/jobs.yaml", "ci/jules/jobs.yaml"], run.log);
  assert.equal(steps[save].with.path, "ci/.jules-batch");
  assert.equal(steps[upload].with.path, "ci/jules-report");
  const prompt = await runAction({ ...base, ...quick, prompt: "Break it, without a file" }, job(service));
  assert.deepEqual(commands(prompt.run.log).map((error) => error.file), [undefined], prompt.run.log);
});

test("`fail-on: none` lets them pass", async () => {
  const { outputs, run } = await runAction({ ...base, ...quick, prompt: "Break it", "fail-on": "none" }, job(service));
  assert.equal(run.code, 0, run.log);
  assert.equal(outputs["exit-code"], "0");
  assert.equal(outputs.outcome, "failure");
});

test("work left passes, says so, and is gone on with", async () => {
  const here = job(service, { "jobs.yaml": manifest("in-parts") });
  const first = await runAction({ ...base, "max-tasks": "1" }, here);
  assert.equal(first.run.code, 0, first.run.log);
  assert.equal(first.outputs.outcome, "partial");
  assert.equal(first.outputs["exit-code"], "5");
  assert.equal(first.outputs.remaining, "1");
  const second = await runAction(base, here);
  assert.equal(second.outputs.outcome, "success", second.run.log);
  assert.equal(second.outputs["run-id"], first.outputs["run-id"]);
  assert.equal(second.outputs.total, "2");
  const third = await runAction({ ...base, "max-tasks": "1", resume: "false", "fail-on": "any, incomplete" }, here);
  assert.equal(third.run.code, 5, third.run.log);
  assert.notEqual(third.outputs["run-id"], first.outputs["run-id"]);
});

test("nothing selected passes unless `fail-on` says otherwise", async () => {
  const here = job(service, { "jobs.yaml": manifest("selective") });
  const given = { ...base, select: "tag(bad)\n" };
  const { outputs, run } = await runAction(given, here);
  assert.equal(run.code, 0, run.log);
  assert.equal(outputs.outcome, "empty");
  assert.equal(outputs["exit-code"], "4");
  assert.deepEqual(JSON.parse(outputs["pull-requests"]), []);
  const strict = await runAction({ ...given, "fail-on": "any,empty" }, here);
  assert.equal(strict.run.code, 4);
});

test("without waiting, sessions are started and left", async () => {
  const here = job(service, { "jobs.yaml": manifest("unattended") });
  const { outputs, run } = await runAction({ ...base, wait: "false" }, here);
  assert.equal(run.code, 0, run.log);
  assert.equal(outputs.outcome, "partial");
  assert.equal(JSON.parse(outputs.counts).detached, 2);
});

test("variables, selections and further arguments reach the run", async () => {
  const here = job(service, { "jobs.yaml": manifest("with-arguments") });
  const given = { ...base, vars: "what=the roof", exclude: "source(my-org/web)", "extra-args": '["--junit", "out put.xml"]' };
  const { outputs, run } = await runAction(given, here);
  assert.equal(outputs.total, "1", run.log);
  assert.equal(outputs["report-junit"], join(here.workspace, "out put.xml"));
  const sessions = await service.statistics("/sessions");
  assert.ok(sessions.some((session) => session.prompt === "Fix the roof"));
});

test("'false' is false for every switch", async () => {
  const off = { "state-cache": "false", "upload-artifact": "false", summary: "false", annotations: "false", "fail-fast": "false" };
  const { run, steps } = await runAction({ ...base, ...quick, ...off, prompt: "Break it" }, job(service));
  assert.equal(run.code, 100, run.log);
  for (const name of [restore, save, upload]) assert.equal(steps[name].outcome, "skipped", name);
  assert.equal(run.summary, "");
  assert.deepEqual(commands(run.log), []);
});

test("a dry run needs no key and touches nothing", async () => {
  const here = job(null, { "jobs.yaml": manifest("dry") });
  const { outputs, run, steps } = await runAction({ "binary-path": binary, "dry-run": "true" }, here);
  assert.equal(run.code, 0, run.log);
  assert.match(run.log, /fix\/my-org\/web@main/);
  assert.equal(outputs.outcome, "success");
  for (const name of [restore, save, upload]) assert.equal(steps[name].outcome, "skipped", name);
  assert.ok(!existsSync(join(here.workspace, ".jules-batch")) && !existsSync(join(here.workspace, "jules-report")));
});

test("a refused key is one clear annotation", async () => {
  const { outputs, run } = await runAction({ ...base, prompt: "Fix it", "jules-api-key": "wrong" }, job(service));
  assert.equal(run.code, 6, run.log);
  assert.equal(outputs.outcome, "failure");
  const found = commands(run.log);
  assert.equal(found.length, 1, run.log);
  assert.equal(found[0].name, "error");
  assert.ok(!run.log.includes("wrong"), run.log);
});

test("a broken manifest and a broken command line have their codes", async () => {
  const here = job(service, { "jobs.yaml": "version: 1\njobs: [{ id: a, promt: x }]\n" });
  assert.equal((await runAction(base, here)).run.code, 3);
  const both = await runAction({ ...base, manifest: "jobs.yaml", prompt: "x" }, here);
  assert.equal(both.run.code, 2, both.run.log);
  const wrong = await runAction({ ...base, "max-tasks": "many\n::error::x" }, here);
  assert.equal(wrong.run.code, 2, wrong.run.log);
  assert.ok(!/^::error::x/m.test(wrong.run.log), wrong.run.log);
  for (const { outputs } of [both, wrong]) assert.equal(outputs.outcome, "failure");
});

test("no input is read by a shell", async () => {
  const here = job(service);
  const evil = '"; touch pwned; echo $(touch pwned) `touch pwned` \'; touch pwned #\n${IFS}touch pwned';
  for (const name of ["prompt", "sources", "vars", "select", "artifact-name", "extra-args", "deadline", "shard", "report-dir", "pulls", "github-token", "jules-api-key"]) {
    const { run } = await runAction({ ...base, ...quick, prompt: "Fix it", [name]: evil }, here);
    assert.ok(run.code !== 127, run.log);
    assert.ok(!existsSync(join(here.workspace, "pwned")), name);
  }
});

test("a cancelled job leaves complete reports", async () => {
  const here = job(service);
  const given = { ...base, ...quick, prompt: "Take your time", sources: "my-org/web@main\nmy-org/backend@main" };
  let interrupted;
  const { outputs, run, steps } = await runAction(given, here, (child, log, status) => {
    // The runner signals the step's first process when somebody cancels the job.
    const watch = setInterval(() => {
      if (!/started.*\n.*started/s.test(log())) return;
      clearInterval(watch);
      status.cancelled = true;
      interrupted = child.kill("SIGINT");
    }, 50);
    child.on("close", () => clearInterval(watch));
  });
  assert.equal(interrupted, true, run.log);
  assert.equal(run.code, 130, run.log);
  assert.equal(outputs.outcome, "cancelled");
  assert.equal(outputs["exit-code"], "130");
  assert.equal(outputs.remaining, "2");
  const report = JSON.parse(readFileSync(outputs["report-json"], "utf8"));
  assert.deepEqual(report.tasks.map((task) => task.outcome), ["detached", "detached"]);
  assert.notEqual(run.summary, "");
  assert.equal(steps[save].outcome, "success");
  assert.equal(steps[upload].outcome, "success");
});

/** A job's ledger that has a green pull request of one task and a red one of another. */
async function campaign(name) {
  const jobs = `
  - { id: good, prompt: "Merge me", sources: [my-org/backend@main] }
  - { id: bad, prompt: "Leave me", sources: [my-org/web@main] }`;
  const here = job(service, { "jobs.yaml": `version: 1\nname: ${name}\npoll: { interval: 50ms }\njobs:${jobs}\n` });
  const { outputs, run } = await runAction(base, here);
  assert.equal(outputs.outcome, "success", run.log);
  return here;
}

const merge = { "github-token": "ghp_whole", pulls: "merge --select 'stage(ready)' --settle 300ms --yes", "pulls-only": "true" };

test("an hourly job merges by the ledger of the run, and tells how the rest stands", async () => {
  const here = await campaign("hourly");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const created = (await service.statistics()).created;
  const { outputs, run, steps, failed } = await runAction({ ...base, ...merge }, here);
  assert.equal(failed, false, run.log);
  assert.deepEqual(JSON.parse(outputs["pull-request-counts"]), { open: 1, merged: 1, closed: 0, unread: 0, stages: { checks_failed: 1 } });
  const counts = ["open", "ready", "merged", "closed"].map((word) => outputs[`pull-requests-${word}`]);
  assert.deepEqual(counts, ["1", "0", "1", "0"]);
  assert.equal(outputs.outcome, "success");
  assert.deepEqual(JSON.parse(outputs["pull-requests"]), [], "those that a run has made");
  assert.match(run.summary, /^### pulls merge: 1 merged\n\n- merged \[my-org\/backend#\d+\]/);
  assert.match(run.summary, /#### Waiting for you: 1\n/);
  assert.equal((await service.statistics()).created, created, "nothing was run");
  assert.ok(!run.log.includes("ghp_whole") && !run.summary.includes("ghp_whole"));
  for (const name of [restore, save]) assert.equal(steps[name].outcome, "success", name);
});

test("a run is followed by the same, and a dry run says what would be done", async () => {
  const here = await campaign("followed");
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const dry = await runAction({ ...base, ...merge, "dry-run": "true" }, here);
  assert.equal(dry.steps[restore].outcome, "success", "it looks at pull requests of the ledger");
  assert.equal(dry.steps[save].outcome, "skipped");
  assert.match(dry.run.summary, /^### pulls merge: would merge 1/);
  const { outputs, run } = await runAction({ ...base, ...merge, "pulls-only": "false" }, here);
  assert.equal(run.code, 0, run.log);
  assert.deepEqual([outputs.total, outputs["pull-requests-merged"]], ["2", "1"]);
});

test("what cannot be done is said before anything is run", async () => {
  const here = job(service, { "jobs.yaml": manifest("hasty") });
  const created = (await service.statistics()).created;
  const without = await runAction({ ...base, ...merge, "github-token": "" }, here);
  assert.equal(without.run.code, 6, without.run.log);
  assert.match(commands(without.run.log)[0].message, /needs a token/);
  const wrong = await runAction({ ...base, ...merge, "pulls-only": "false", pulls: "merge 'stage" }, here);
  assert.equal(wrong.run.code, 2, wrong.run.log);
  assert.equal((await service.statistics()).created, created);
  for (const { outputs } of [without, wrong]) assert.equal(outputs["pull-requests-open"], "0");
});

test("key and token are masked before anything else is done", async () => {
  const evil = "a%b\r\n::error::c";
  const { steps } = await runAction({ ...base, prompt: "Fix it", "dry-run": "true", "jules-api-key": evil, "github-token": "ghp_whole" }, job(service));
  const first = steps["Mask key and token"];
  assert.equal(Object.values(steps)[0], first);
  assert.equal(first.log, "::add-mask::a%25b%0D%0A::error::c\n::add-mask::ghp_whole\n");
  const none = await runAction({ "binary-path": binary, prompt: "Fix it", "dry-run": "true" }, job(null));
  assert.equal(none.steps["Mask key and token"].log, "");
});

test("every input is handed on, and every output comes from the run", () => {
  const text = JSON.stringify(action.runs);
  for (const [name, input] of Object.entries(action.inputs)) {
    assert.ok(text.includes(`inputs.${name} `) || text.includes(`inputs.${name}\\`) || text.includes(`inputs.${name}"`), `${name} is not used`);
    assert.ok(input.description, name);
  }
  for (const [name, output] of Object.entries(action.outputs)) {
    assert.equal(output.value, `\${{ steps.run.outputs.${name} }}`);
  }
});

test("scripts hold no expressions and end in exec, and actions are pinned", () => {
  for (const step of action.runs.steps) {
    if (step.run) {
      assert.ok(!step.run.includes("${{"), step.name);
      assert.match(step.run.trim().split("\n").at(-1), /^exec /, step.name);
    } else {
      assert.match(step.uses, /@[0-9a-f]{40}$/, step.name);
    }
  }
});
