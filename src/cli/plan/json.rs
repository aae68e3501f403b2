//! The plan for programs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::Decisions;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::json::line;
use crate::manifest::Diagnostic;
use crate::outcome::RunId;
use crate::plan::{Expect, Plan, Task, TaskSource};
use crate::runner::Decision;

/// Tasks written at once: a plan of 100,000 tasks never stands in memory as text.
const CHUNK: usize = 1_024;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskJson<'a> {
    id: &'a str,
    /// None while the branch is not known, which is part of it.
    key: Option<&'a str>,
    job: &'a str,
    source: Option<SourceJson<'a>>,
    matrix: &'a BTreeMap<String, Value>,
    tags: &'a [String],
    title: &'a str,
    prompt: &'a str,
    auto_pr: bool,
    require_approval: bool,
    expect: Expect,
    needs: Vec<&'a str>,
    line: u32,
    /// The number of its repository's wave, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    wave: Option<usize>,
    /// Why it cannot be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
    /// What a `run` would do with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<NextJson<'a>>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct NextJson<'a> {
    decision: &'static str,
    /// The run that it rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'a RunId>,
    /// Since when it is done, or has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    /// The pull request of an earlier run that stands for a session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pull_request: Option<&'a str>,
}

impl<'a> NextJson<'a> {
    fn of(decision: &'a Decision) -> Self {
        let plain = |decision| NextJson { decision, ..NextJson::default() };
        match decision {
            Decision::Start(_) => plain("start"),
            Decision::GoOn { run, .. } => NextJson { run: Some(run), ..plain("go-on") },
            Decision::Settle { run } => NextJson { run: Some(run), ..plain("settle") },
            Decision::Done { since, run, .. } => {
                NextJson { run: Some(run), since: Some(*since), ..plain("done") }
            }
            Decision::Failed { since, run, .. } => {
                NextJson { run: Some(run), since: Some(*since), ..plain("failed") }
            }
            Decision::Needs => plain("needs"),
            Decision::Skipped => plain("skipped"),
            Decision::Adopt(pull) => {
                NextJson { run: pull.run.as_ref(), pull_request: Some(&pull.pull.url), ..plain("adopt") }
            }
            Decision::Held { .. } => plain("held"),
            Decision::LaterWave { .. } => plain("later-wave"),
            Decision::Unmet { .. } => plain("needs"),
            Decision::SkipFor(pull) => {
                NextJson { run: pull.run.as_ref(), pull_request: Some(&pull.pull.url), ..plain("skip") }
            }
            Decision::NotAsked => plain("not-asked"),
            Decision::Impossible => plain("impossible"),
        }
    }
}

#[derive(Serialize)]
struct SourceJson<'a> {
    github: &'a str,
    /// None for the default branch, where the account was not asked for it.
    branch: Option<&'a str>,
}

#[derive(Serialize)]
struct UnresolvedJson<'a> {
    job: &'a str,
    pattern: &'a str,
    line: u32,
}

/// What the manifest probably does not mean.
#[derive(Serialize)]
struct WarningJson<'a> {
    message: &'a str,
    /// The way out, where there is one to name.
    help: Option<&'a str>,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
}

impl<'a> WarningJson<'a> {
    fn of(warning: &'a Diagnostic) -> Self {
        let place = warning.place();
        Self {
            message: warning.message(),
            help: warning.way_out(),
            file: warning.file(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        }
    }
}

pub(super) fn print(plan: &Plan, decisions: &Decisions<'_>, console: &Console) -> Result<(), Failure> {
    console.result(&format!(
        "{{\n\"schemaVersion\": 1,\n\"name\": {},\n\"manifest\": {},\n\"maxParallel\": {},\n\"tasks\": [",
        line(&plan.name)?,
        line(&plan.manifest)?,
        plan.settings.strategy.max_parallel
    ))?;
    let mut separator = "\n";
    for chunk in plan.tasks.chunks(CHUNK) {
        let mut lines = String::new();
        for task in chunk {
            lines += separator;
            lines += &line(&of(plan, task, decisions.get(&task.id).copied()))?;
            separator = ",\n";
        }
        console.result(&lines)?;
    }
    let unresolved: Vec<_> = plan
        .unresolved
        .iter()
        .map(|u| UnresolvedJson { job: u.job.as_str(), pattern: &u.pattern, line: u.place.line })
        .collect();
    let warnings: Vec<_> = plan.warnings.iter().flatten().map(WarningJson::of).collect();
    console.result(&format!(
        "\n],\n\"unresolved\": {},\n\"warnings\": {}\n}}\n",
        line(&unresolved)?,
        line(&warnings)?
    ))
}

fn of<'a>(plan: &'a Plan, task: &'a Task, decision: Option<&'a Decision>) -> TaskJson<'a> {
    let is_known = !task.has_open_branch();
    let source = |source: &'a TaskSource| SourceJson {
        github: &source.github,
        branch: is_known.then_some(source.branch.as_str()),
    };
    TaskJson {
        id: task.id.as_str(),
        key: is_known.then_some(task.key.as_str()),
        job: task.job.as_str(),
        source: task.source.as_ref().map(source),
        matrix: &task.matrix,
        tags: &task.tags,
        title: &task.title,
        prompt: &task.prompt,
        auto_pr: task.auto_pr,
        require_approval: task.require_approval,
        expect: task.expect,
        needs: task.needs.iter().map(|n| plan.tasks[*n].id.as_str()).collect(),
        line: task.place.line,
        wave: task.wave,
        problem: task.problem.as_deref(),
        next: decision.map(NextJson::of),
    }
}
