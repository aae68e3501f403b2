//! `open`: from a task of the last run to its page.

use std::process::{Command, Stdio};

use foreign_text::line as neutral;
use url::Url;

use super::args::State;
use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::recorded;
use crate::outcome::{AttemptRecord, RunId, RunRecord, TaskRecord};
use crate::plan::TaskId;
use crate::report::many;
use jules::SessionId;

const AFTER_HELP: &str = "\
Prints the address of the task's pull request, or of its session when there is none; on a terminal it opens it as
well. TASK is a task's id or a part of it (whole words first), any name of its session (see `session`) or the address of its pull request;
without TASK the addresses of all tasks are printed and none is opened unless the run has only one.

Examples:
  jules-batch open
  jules-batch open upgrade/my-org/web
  jules-batch open my-org/web --session --print";

/// `open`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct OpenArgs {
    /// The task: its id or a part of it, or its session
    #[arg(value_name = "TASK")]
    task: Option<String>,
    /// The session, also when there is a pull request
    #[arg(long)]
    session: bool,
    /// The run's id [default: the last one]
    #[arg(long, value_name = "RUN")]
    run: Option<RunId>,
    /// Only print, also on a terminal
    #[arg(long)]
    print: bool,
    /// Where runs are recorded.
    #[command(flatten)]
    state: State,
}

pub(crate) fn run(args: &OpenArgs, console: &Console) -> Result<Exit, Failure> {
    let reader = recorded::open(&args.state.location()?, args.run.as_ref())?;
    let record = recorded::find(&reader, args.run.as_ref(), console)?;
    let found = matching(&record, args.task.as_deref());
    match found.as_slice() {
        [] => Err(no_such_task(&record, args.task.as_deref().unwrap_or_default())),
        [task] => open(task, &record, args, console),
        several if args.task.is_some() => Err(ambiguous(several)),
        several => list(several, args, console),
    }
}

/// The task of this id or session, else those whose id has the text as a whole part, else those whose id holds it anywhere; all
/// without one.
fn matching<'a>(record: &'a RunRecord, text: Option<&str>) -> Vec<&'a TaskRecord> {
    let Some(text) = text else { return record.tasks.values().collect() };
    let id = text.parse::<SessionId>().ok();
    let has_session = |task: &&TaskRecord| {
        let is_meant = |attempt: &AttemptRecord| {
            let session = attempt.session.as_ref().map(|session| &session.id);
            let mut pulls =
                attempt.work.pull_requests().filter(|pull| pull.url == text.trim_end_matches('/'));
            (id.is_some() && session == id.as_ref()) || pulls.next().is_some()
        };
        task.attempts.iter().any(is_meant)
    };
    let exact = record.tasks.values().find(|task| task.planned.id.as_str() == text);
    match exact.or_else(|| record.tasks.values().find(has_session)) {
        Some(task) => vec![task],
        None => {
            let held = record.tasks.values().filter(|task| task.planned.id.as_str().contains(text));
            let (by_part, elsewhere): (Vec<_>, Vec<_>) =
                held.partition(|task| has_part(task.planned.id.as_str(), text));
            if by_part.is_empty() { elsewhere } else { by_part }
        }
    }
}

/// Whether the id holds the text between two of the signs that its parts stand between.
fn has_part(id: &str, text: &str) -> bool {
    let is_edge = |c: char| "/@[],=".contains(c);
    id.match_indices(text).any(|(at, _)| {
        let (before, after) = (&id[..at], &id[at + text.len()..]);
        (before.is_empty() || before.ends_with(is_edge)) && (after.is_empty() || after.starts_with(is_edge))
    })
}

/// The page of the pull request, or of the session.
fn page(task: &TaskRecord, session_only: bool) -> Option<&str> {
    let pull_request = task.work().and_then(|work| work.pull_request.as_ref()).map(|made| made.url.as_str());
    let session = task.last_attempt().and_then(|attempt| attempt.session.as_ref());
    let session = session.and_then(|session| session.url.as_deref());
    pull_request.filter(|_| !session_only).or(session)
}

fn open(task: &TaskRecord, record: &RunRecord, args: &OpenArgs, console: &Console) -> Result<Exit, Failure> {
    let Some(address) = page(task, args.session) else {
        let id = neutral(task.planned.id.as_str());
        let failure = Failure::new(Exit::Fault, format!("task {id} has no page to open"));
        let session = task.last_attempt().and_then(|attempt| attempt.session.as_ref());
        return Err(match session {
            Some(session) => failure.help(format!("see: jules-batch session show {}", session.id)),
            None => failure.help("no session was created for it yet"),
        });
    };
    console.result_line(&neutral(address))?;
    if record.info.simulated {
        console.say("SIMULATED: there is no such page, so it is not opened");
        return Ok(Exit::Done);
    }
    if args.print || !console.out_terminal() || console.ci().is_some() {
        return Ok(Exit::Done);
    }
    let Some(url) = safe(address) else {
        return Err(Failure::new(Exit::Fault, "it is not the address of a web page, so it was not opened"));
    };
    start_browser(&url)?;
    Ok(Exit::Done)
}

fn list(tasks: &[&TaskRecord], args: &OpenArgs, console: &Console) -> Result<Exit, Failure> {
    for task in tasks {
        let address = page(task, args.session).map_or_else(|| "-".to_owned(), neutral);
        console.result_line(&format!("{}\t{address}", neutral(task.planned.id.as_str())))?;
    }
    if console.out_terminal() {
        console.say("name one of them to open it: jules-batch open TASK");
    }
    Ok(Exit::Done)
}

/// An address that may be handed to the desktop: it came from the service, and desktops open more than pages.
fn safe(address: &str) -> Option<Url> {
    Url::parse(address).ok().filter(|url| {
        let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
        url.scheme() == "https" || (url.scheme() == "http" && local)
    })
}

/// The way out when there is no browser.
const HELP: &str = "the address stands above; --print leaves it at that";

/// Hands the address to the desktop's opener, which does not wait for the browser.
fn start_browser(url: &Url) -> Result<(), Failure> {
    let (program, args): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let mut command = Command::new(program);
    command.args(args).arg(url.as_str()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let opened = command.status();
    match opened {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(Failure::new(Exit::Fault, format!("{program} could not open it ({status})")).help(HELP))
        }
        Err(error) => {
            Err(Failure::new(Exit::Fault, format!("cannot start {program}")).because(&error).help(HELP))
        }
    }
}

fn no_such_task(record: &RunRecord, text: &str) -> Failure {
    if record.tasks.is_empty() {
        return Failure::new(Exit::Fault, format!("run {} has no tasks", record.info.id));
    }
    let ids: Vec<&str> = record.tasks.keys().map(TaskId::as_str).collect();
    let near = ids.iter().max_by(|a, b| {
        let near = |id: &str| strsim::jaro_winkler(id, text);
        near(a).total_cmp(&near(b))
    });
    let failure = Failure::usage(format!("run {} has no task like `{}`", record.info.id, neutral(text)));
    match near {
        Some(id) => failure.help(format!("did you mean `{}`?", neutral(id))),
        None => failure,
    }
}

fn ambiguous(tasks: &[&TaskRecord]) -> Failure {
    let ids: Vec<_> = tasks.iter().take(5).map(|task| neutral(task.planned.id.as_str())).collect();
    let more = tasks.len().saturating_sub(ids.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Failure::usage(format!("{} are meant by that", many(tasks.len(), "task")))
        .help(format!("{}{more}", ids.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    #[test]
    fn only_web_pages_are_handed_to_the_desktop() {
        assert!(safe("https://github.com/o/r/pull/1").is_some());
        assert!(safe("http://127.0.0.1:8080/session/1").is_some());
        for odd in
            ["http://evil.example/", "file:///etc/passwd", "javascript:alert(1)", "-x", "vscode://x", ""]
        {
            assert!(safe(odd).is_none(), "{odd}");
        }
    }

    #[test]
    fn a_task_is_found_by_its_id_or_a_part_of_it() {
        let record = RunRecord::from_events(&sample::run_of(12)).unwrap();
        let found = |text| matching(&record, Some(text)).len();
        assert_eq!((found("task-1"), found("-7"), found("task"), found("nothing")), (1, 1, 12, 0));
        assert_eq!(matching(&record, None).len(), 12);
        assert!(has_part("a/my-org/web@main", "a") && has_part("a/my-org/web@main[n=1]", "my-org/web"));
        assert!(!has_part("b/my-org/api@main", "a") && has_part("b/my-org/api@main[n=1]", "1"));
        let task = record.tasks.values().find(|task| task.last_attempt().is_some()).unwrap();
        let session = &task.last_attempt().unwrap().session.as_ref().unwrap().id;
        let pull = &task.work().unwrap().pull_request.as_ref().unwrap().url;
        let pages = ["session", "task"].map(|page| format!("https://jules.google.com/{page}/{session}"));
        for page in pages.iter().chain([pull]) {
            let found = matching(&record, Some(page));
            assert_eq!(found.iter().map(|task| &task.planned.id).collect::<Vec<_>>(), [&task.planned.id]);
        }
    }

    #[test]
    fn the_pull_request_comes_first() {
        let record = RunRecord::from_events(&sample::run_of(1)).unwrap();
        let task = &record.tasks[0];
        assert_eq!(page(task, false), Some("https://github.com/my-org/web/pull/1"));
        assert_eq!(page(task, true), Some("https://jules.google.com/session/100"));
    }
}
