//! `open`: the session or pull request of a task.

use std::process::{Command, Stdio};

use super::args::State;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::recorded;
use crate::outcome::{RunId, RunRecord, TaskRecord};
use crate::plan::TaskId;
use crate::report::console_fragment as neutral;

const AFTER_HELP: &str = "\
Stdout carries the address. On a terminal it is opened in the browser as well.

Examples:
  jules-batch open upgrade/my-org/web
  jules-batch open upgrade/my-org/web --session";

/// `open`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct OpenArgs {
    /// A task's id, or a part of it that only one task has
    #[arg(value_name = "TASK")]
    pub(crate) task: String,
    /// The session also when there is a pull request
    #[arg(long)]
    pub(crate) session: bool,
    /// The run's id [default: the last one]
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<RunId>,
    /// Where runs are recorded.
    #[command(flatten)]
    pub(crate) state: State,
}

pub(crate) fn run(args: &OpenArgs, console: &Console) -> Result<Exit, Failure> {
    let reader = recorded::open(&args.state.state_dir)?;
    let record = recorded::find(&reader, args.run.as_ref())?.record;
    let (id, task) = find(&record, &args.task)?;
    let url = address(task, args.session).ok_or_else(|| {
        Failure::new(Exit::Fault, format!("task {} has no session yet", neutral(id.as_str())))
    })?;
    // Only what the service calls a page of its own or a pull request is ever handed to a browser.
    if !url.starts_with("https://") {
        return Err(Failure::new(Exit::Fault, format!("`{}` is no web address", neutral(url))));
    }
    console.result_line(&neutral(url))?;
    if console.out_terminal() && console.interactive() {
        browse(url, console);
    }
    Ok(Exit::Done)
}

/// The task of this id, or the only one whose id contains the text.
fn find<'r>(record: &'r RunRecord, text: &str) -> Result<(&'r TaskId, &'r TaskRecord), Failure> {
    if let Some((id, task)) = record.tasks.get_key_value(text) {
        return Ok((id, task));
    }
    let found: Vec<_> = record.tasks.iter().filter(|(id, _)| id.as_str().contains(text)).collect();
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Failure::usage(format!("run {} has no task `{}`", record.info.id, neutral(text)))
            .help("see its tasks: jules-batch report --format json | jq -r '.tasks[].id'")),
        [first, second, ..] => Err(Failure::usage(format!(
            "`{}` is in {} task ids, such as {} and {}",
            neutral(text),
            found.len(),
            neutral(first.0.as_str()),
            neutral(second.0.as_str())
        ))),
    }
}

fn address(task: &TaskRecord, session: bool) -> Option<&str> {
    let pull_request = task.work().and_then(|work| work.pull_request.as_ref()).map(|pr| pr.url.as_str());
    let page = || task.last_attempt()?.session.as_ref()?.url.as_deref();
    if session { page() } else { pull_request.or_else(page) }
}

fn browse(url: &str, console: &Console) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = Command::new(opener).arg(url).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if started.is_err() {
        console.say(&format!("there is no {opener} here to open it with"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::sample;

    #[test]
    fn a_task_is_found_by_a_part_of_its_id() {
        let record = RunRecord::from_events(&sample::run_of(12)).unwrap();
        assert_eq!(find(&record, "task-1").unwrap().0.as_str(), "task-1");
        assert_eq!(find(&record, "-7").unwrap().0.as_str(), "task-7");
        assert!(find(&record, "task").is_err());
        assert!(find(&record, "nothing").is_err());
    }

    #[test]
    fn the_pull_request_comes_first() {
        let record = RunRecord::from_events(&sample::run_of(1)).unwrap();
        let task = &record.tasks[0];
        assert_eq!(address(task, false), Some("https://github.com/my-org/web/pull/1"));
        assert_eq!(address(task, true), Some("https://jules.google.com/session/100"));
    }
}
