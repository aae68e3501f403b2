//! A wave that people have to bring further: the tasks that hold it up, and the commands that mend them.

use std::path::Path;

use foreign_text::line as neutral;
use jiff::Timestamp;

use super::args::RunArgs;
use crate::cli::quote::quoted;
use crate::outcome::{RunRecord, Stage, TaskRecord, held_up};
use crate::plan::TaskId;
use jules::PullRequestName;

/// How many tasks are named.
const LISTED: usize = 10;

/// Which tasks hold up the wave that later ones wait for, and what mends them; nothing where no person is needed. `run` is the
/// command that goes on with the run.
pub(super) fn repair(record: &RunRecord, run: &str, args: &RunArgs, now: Timestamp) -> Vec<String> {
    let Some((wave, tasks)) = held_up(record, now) else { return Vec::new() };
    if tasks.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![format!("wave {wave} waits for:")];
    lines.extend(tasks.iter().take(LISTED).map(|(id, task)| format!("  {}", standing(id, task))));
    if tasks.len() > LISTED {
        lines.push(format!("  … and {} more", tasks.len() - LISTED));
    }
    // The pull requests of a simulated run are gone with it.
    if !args.is_simulated() && tasks.iter().any(|(_, task)| task.pull_request().is_some()) {
        lines.extend(of_pulls(wave, &tasks, args));
    }
    if tasks.iter().any(|(_, task)| stage(task) == Some(Stage::Closed)) {
        lines.push(format!("do once more what was closed: {run} --recreate EXPR"));
    }
    let is_open = |task: &TaskRecord| task.pull().is_some_and(|pull| !pull.status.state.is_over());
    let open = tasks.iter().any(|(_, task)| is_open(task)) && !args.is_simulated();
    // A second pull request beside the first would be of use to nobody.
    let close = format!("{} --delete-branch && ", command("close", wave, " & pr(open)", args));
    let close = if open { &*close } else { "" };
    lines.push(format!("with another prompt in the manifest: {close}{run} --redo-edited"));
    lines
}

/// `up/my-org/web@main  my-org/web#12  checks failed`.
fn standing(id: &TaskId, task: &TaskRecord) -> String {
    let id = neutral(id.as_str());
    if task.has_failed() {
        return format!("{id}  {}", task.outcome_so_far().label());
    }
    let Some(pull) = task.pull_request() else {
        return format!("{id}  {}", task.outcome_so_far().label());
    };
    let name = PullRequestName::of_url(&pull.url).map_or_else(|| neutral(&pull.url), |it| it.to_string());
    let stage = stage(task).map_or("not read yet", Stage::label);
    format!("{id}  {name}  {stage}")
}

fn command(verb: &str, wave: usize, of: &str, args: &RunArgs) -> String {
    format!("jules-batch pulls {verb}{} --select 'wave({wave}){of}'", manifest(args))
}

fn of_pulls(wave: usize, tasks: &[(&TaskId, &TaskRecord)], args: &RunArgs) -> Vec<String> {
    let command = |verb: &str, of: &str| command(verb, wave, of, args);
    let stands = |wanted: Stage| tasks.iter().any(|(_, task)| stage(task) == Some(wanted));
    let mut lines = vec![format!("see them: {}", command("list", ""))];
    if stands(Stage::ChecksFailed) {
        let message = "message 'Please repair the failing checks.' --with-failed-checks";
        lines.push(format!("ask for what has failed: {}", command(message, " & stage(checks-failed)")));
    }
    if stands(Stage::Conflict) {
        let message = "message 'Resolve the conflicts.'";
        lines.push(format!("ask for what conflicts: {}", command(message, " & stage(conflict)")));
    }
    if stands(Stage::Ready) {
        lines.push(format!("merge what is ready: {}", command("merge", " & stage(ready)")));
    }
    lines
}

/// The flags by which `pulls` knows the manifest.
pub(super) fn manifest(args: &RunArgs) -> String {
    let mut flags = String::new();
    if args.manifest != Path::new("jobs.yaml") {
        flags += &format!(" --manifest {}", quoted(&args.manifest));
    }
    if args.state.state_dir != Path::new(".jules-batch") {
        flags += &format!(" --state-dir {}", quoted(&args.state.state_dir));
    }
    for var in &args.selection.var {
        flags += &format!(" --var {}", quoted(Path::new(var)));
    }
    flags
}

fn stage(task: &TaskRecord) -> Option<Stage> {
    task.pull().map(|pull| pull.status.stage)
}
