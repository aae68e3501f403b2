//! What is told first at the end of a run: what needs its user, in the order of the page, and the command for each.

use std::fmt::Write as _;

use super::args::RunArgs;
use super::finish::in_full;
use super::repair::manifest;
use crate::cli::console::{BOLD, CYAN};
use crate::cli::summary;
use crate::outcome::{RunRecord, Stage, TaskRecord};
use crate::report::{NeededPull, Needs};
use crate::runner::Finished;

/// What needs somebody; empty if nothing does. Without `command` there is none that runs the manifest.
pub(super) fn told(
    needs: &Needs,
    finished: &Finished,
    args: &RunArgs,
    command: Option<&str>,
    width: usize,
) -> String {
    let record = &finished.record;
    let mut sections = Vec::new();
    let mut again = again(finished, args, command);
    if !needs.failed.is_empty() {
        let failed =
            summary::grouped("what failed", record, width, |id, _| needs.failed.contains(id.as_str()));
        sections.push(failed + &shown(again.take().into_iter().collect()));
    }
    let waiting = waiting(record, args, command, width);
    if !needs.asked.is_empty() || !waiting.is_empty() {
        let asked = summary::grouped(needs.asks, record, width, |id, _| needs.asked.contains(id.as_str()));
        let lines = waiting.into_iter().chain(again.take()).collect();
        sections.push((asked + &shown(lines)).trim_start_matches('\n').to_owned());
    }
    if !needs.pulls.is_empty() {
        let line = |pull: &NeededPull| summary::pull_request(&pull.task, &pull.url, pull.stage, width);
        let mut text = String::new();
        summary::listed(&mut text, "pull requests to look at", &needs.pulls, line);
        sections
            .push(text.trim_start_matches('\n').to_owned() + &shown(of_pulls(&needs.pulls, args, command)));
    }
    if sections.is_empty() {
        return String::new();
    }
    let count = needs.count();
    let count = if count.is_empty() { "a plan to approve" } else { &count };
    format!("{BOLD}what needs you{BOLD:#}: {count}\n{}", sections.join("\n"))
}

/// The command that runs again what failed, where no other line says so.
pub(super) fn again(finished: &Finished, args: &RunArgs, command: Option<&str>) -> Option<String> {
    let record = &finished.record;
    let is_said = record.totals().remaining() > 0 && finished.held_up.is_some();
    let has_failed = record.tasks.values().any(TaskRecord::has_failed) && !is_said;
    let command = in_full(command.filter(|_| has_failed)?, args);
    Some(format!("run again what failed: {command} --failed"))
}

/// The commands that take sessions up again which wait for a person; those of a simulated run are gone with it.
pub(super) fn waiting(
    record: &RunRecord,
    args: &RunArgs,
    command: Option<&str>,
    width: usize,
) -> Vec<String> {
    let command = command.filter(|_| !args.is_simulated()).map(|command| in_full(command, args));
    command.map(|command| summary::needs_person(record, &command, width)).unwrap_or_default()
}

/// Of pull requests that nobody has read nothing more can be said.
fn of_pulls(pulls: &[NeededPull], args: &RunArgs, command: Option<&str>) -> Vec<String> {
    if args.is_simulated() || command.is_none() || pulls.iter().all(|pull| pull.stage.is_none()) {
        return Vec::new();
    }
    let flags = manifest(args);
    let mut lines = vec![format!("see them: jules-batch pulls list{flags}")];
    if pulls.iter().any(|pull| pull.stage == Some(Stage::Ready)) {
        lines.push(format!("merge what is ready: jules-batch pulls merge{flags} --select 'stage(ready)'"));
    }
    lines
}

fn shown(lines: Vec<String>) -> String {
    lines.into_iter().fold(String::new(), |mut text, line| {
        let _ = write!(text, "\n{CYAN}{line}{CYAN:#}");
        text
    })
}
