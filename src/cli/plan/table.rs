//! The plan for people.

use std::borrow::Cow;

use comfy_table::{ContentArrangement, Table, presets};
use foreign_text::{line as neutral, one_line, tame};

use super::Decisions;
use crate::cli::console::Console;
use crate::cli::failure::Failure;
use crate::cli::outlook;
use crate::plan::{Plan, Task, TaskSource};
use crate::runner::{Because, Decision};

/// Longer plans are printed as lines also on a terminal: nobody reads that many rows, and a table has to be
/// laid out as a whole.
const MAX_ROWS: usize = 1_000;
/// Lines written at once.
const CHUNK: usize = 4_096;

pub(super) fn print(plan: &Plan, decisions: &Decisions<'_>, console: &Console) -> Result<(), Failure> {
    if plan.tasks.is_empty() {
        return Ok(());
    }
    if console.out_terminal() && plan.tasks.len() <= MAX_ROWS {
        return console.result_line(&table(plan, decisions, console.size().0));
    }
    for chunk in plan.tasks.chunks(CHUNK) {
        let lines: String = chunk.iter().map(|task| line(task, decisions) + "\n").collect();
        console.result(&lines)?;
    }
    Ok(())
}

/// Each task's id with its whole prompt below, indented.
pub(super) fn prompts(plan: &Plan, console: &Console) -> Result<(), Failure> {
    for task in &plan.tasks {
        let prompt = tame(task.prompt.trim_end());
        let lines = prompt.lines().map(|line| format!("  {line}\n"));
        console.result(&format!("{}:\n{}\n", neutral(&id(task)), lines.collect::<String>()))?;
    }
    Ok(())
}

/// Task id, source, title, the prompt's first line and what becomes of the task, with tabs between.
fn line(task: &Task, decisions: &Decisions<'_>) -> String {
    let source = match &task.source {
        None => "-".to_owned(),
        Some(source) if task.has_open_branch() => format!("{source}@{}", TaskSource::DEFAULT_BRANCH),
        Some(source) => source.to_string(),
    };
    let (title, prompt, next) = (title(task), prompt(task), next(task, decisions, outlook::words));
    format!("{}\t{}\t{title}\t{prompt}\t{next}", neutral(&id(task)), neutral(&source))
}

/// What a `run` would do with it.
fn next(task: &Task, decisions: &Decisions<'_>, words: fn(&Decision) -> String) -> String {
    decisions.get(&task.id).map_or_else(String::new, |decision| words(decision))
}

fn table(plan: &Plan, decisions: &Decisions<'_>, width: usize) -> String {
    // Where nothing was ever run it says nothing.
    let is_known = decisions.values().any(|decision| **decision != Decision::Start(Because::New));

    let mut table = Table::new();
    table.load_style(presets::UTF8_BORDERS_ONLY);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(width.clamp(40, 200) as u16);
    let next_run = is_known.then_some("Next run");
    table.set_header(["Task", "Title", "Prompt", "Mode", "After"].into_iter().chain(next_run));
    for task in &plan.tasks {
        let after = match task.needs.as_ref() {
            [] => String::new(),
            [one] => neutral(&id(&plan.tasks[*one])),
            many => format!("{} tasks", many.len()),
        };
        let next = is_known.then(|| next(task, decisions, outlook::short));
        let row = [neutral(&id(task)), title(task), prompt(task), mode(task), after];
        table.add_row(row.into_iter().chain(next));
    }
    table.trim_fmt()
}

/// The task's id, with a word for a branch that is not known.
fn id(task: &Task) -> Cow<'_, str> {
    let id = task.id.as_str();
    match &task.source {
        Some(source) if task.has_open_branch() => {
            let (place, matrix) = id.split_at(task.job.as_str().len() + 1 + source.github.len());
            format!("{place}@{}{matrix}", TaskSource::DEFAULT_BRANCH).into()
        }
        _ => id.into(),
    }
}

/// The title, or why the task cannot be run.
fn title(task: &Task) -> String {
    task.problem.as_ref().map_or_else(|| neutral(&task.title), |why| format!("error: {}", neutral(why)))
}

/// The first line of its prompt, cut where it is long.
fn prompt(task: &Task) -> String {
    neutral(&one_line(task.prompt.trim().lines().next().unwrap_or_default(), 60))
}

/// What is particular about how the task runs.
fn mode(task: &Task) -> String {
    let parts = [(task.auto_pr, "pull request"), (task.require_approval, "approval")];
    parts.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect::<Vec<_>>().join(", ")
}
