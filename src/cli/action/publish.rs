//! What GitHub reads after the step: outputs, summary, annotations.

use std::fs::OpenOptions;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::io::{self, Write as _};
use std::path::Path;

use super::Came;
use super::inputs::ActionArgs;
use crate::cli::annotations::{self, in_repository};
use crate::cli::ci::{self, Ci};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::pulls::Standing;
use crate::cli::run::RunArgs;
use crate::report::{self, ReportV1, RunFiles, RunOutcome};
use crate::runner::{Format, ReportFiles};

/// A summary of more than 1 MiB a step is dropped whole.
const SUMMARY_BYTES: u64 = 1024 * 1024;

/// Writes outputs, summary and annotations, each if there is a place for it.
///
/// # Errors
///
/// When a file that GitHub named cannot be written.
pub(super) fn publish(
    came: &Came,
    run: Option<&RunArgs>,
    args: &ActionArgs,
    console: &Console,
) -> Result<(), Failure> {
    let report = came.record.as_ref().map(ReportV1::of);
    if args.annotations && console.ci() == Some(Ci::GitHub) {
        let told = report.as_ref().map(|report| report::annotations(report, manifest(run, args).as_deref()));
        let failed = came.ends.iter().filter_map(|end| end.as_ref().err()).map(annotations::of);
        console.result(&told.into_iter().chain(failed).collect::<String>())?;
    }
    if let (true, Some(path)) = (args.summary, ci::file("GITHUB_STEP_SUMMARY")) {
        summarize(&path, &summary(came, report.as_ref(), args), console);
    }
    if let Some(path) = ci::file("GITHUB_OUTPUT") {
        let exit = came.exit();
        let files = run.and_then(|run| run.reports.files().ok());
        let mut outputs = outputs_of(report.as_ref().zip(files.as_ref()), exit);
        outputs.extend(came.standing.as_ref().map_or_else(Standing::outputs_of_none, Standing::outputs));
        let text = report::output_file(&outputs, &delimiter()).map_err(|e| Failure::new(Exit::Fault, e))?;
        append(&path, &console.redactor().clean(&text)).map_err(|error| unwritable(&path, &error))?;
    }
    Ok(())
}

/// What the run came to, what was done to pull requests, and, where nothing was run, how they stand.
fn summary(came: &Came, report: Option<&ReportV1>, args: &ActionArgs) -> String {
    let mut text = report.map_or_else(String::new, report::markdown);
    text.push_str(&came.acted);
    if let (true, Some(standing)) = (args.pulls_only, &came.standing) {
        text.push_str(&standing.markdown());
    }
    text
}

/// The manifest's path in the repository, where it is a file there: annotations of another path are lost.
fn manifest(run: Option<&RunArgs>, args: &ActionArgs) -> Option<String> {
    if args.is_inline() { None } else { in_repository(&run?.manifest) }
}

fn outputs_of(ran: Option<(&ReportV1, &ReportFiles)>, exit: Exit) -> Vec<(&'static str, String)> {
    let Some((report, files)) = ran else { return outputs_of_nothing(exit) };
    let dir = absolute(&files.folder);
    let json = absolute(&files.path(Format::Json));
    let junit = absolute(&files.path(Format::Junit));
    let files = RunFiles { json: &json, junit: &junit, dir: &dir };
    report::outputs(report, outcome(Some(report), exit), exit.code(), files)
}

/// Nothing was run: every output is there all the same, so that `fromJSON` never meets an empty text.
fn outputs_of_nothing(exit: Exit) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    vec![
        ("outcome", text(outcome(None, exit).as_str())),
        ("exit-code", exit.code().to_string()),
        ("run-id", String::new()),
        ("total", text("0")),
        ("counts", text("{}")),
        ("remaining", text("0")),
        ("pull-requests", text("[]")),
        ("failed-tasks", text("[]")),
        ("report-json", String::new()),
        ("report-junit", String::new()),
        ("report-dir", String::new()),
        ("version", text(env!("CARGO_PKG_VERSION"))),
    ]
}

fn outcome(report: Option<&ReportV1>, exit: Exit) -> RunOutcome {
    match exit {
        Exit::Interrupted | Exit::Terminated => RunOutcome::Cancelled,
        Exit::NothingSelected => RunOutcome::Empty,
        Exit::Done | Exit::WorkLeft | Exit::TasksFailed => {
            let of_run = report.map_or(RunOutcome::Success, |report| RunOutcome::of(report, false));
            // The run may have ended well, and what was to be done after it not yet.
            match (of_run, exit) {
                (RunOutcome::Success, Exit::WorkLeft) => RunOutcome::Partial,
                (outcome, _) => outcome,
            }
        }
        Exit::Unavailable
        | Exit::KeyRefused
        | Exit::NotWritable
        | Exit::ManifestInvalid
        | Exit::Usage
        | Exit::Fault => RunOutcome::Failure,
    }
}

/// Later steps may work in another folder.
fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

/// A run is no worse for a summary that cannot be shown.
fn summarize(path: &Path, text: &str, console: &Console) {
    let there = path.metadata().map_or(0, |file| file.len());
    if text.is_empty() {
        return;
    }
    if there + text.len() as u64 > SUMMARY_BYTES {
        console.warn("the step's summary is left out: with it, it would be larger than GitHub takes");
        return;
    }
    let text = console.redactor().clean(text);
    if let Err(error) = append(path, &text) {
        console.warn(&format!("the step's summary is left out: {}", unwritable(path, &error).headline()));
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(text.as_bytes())
}

fn unwritable(path: &Path, error: &io::Error) -> Failure {
    let name = foreign_text::line(&path.to_string_lossy());
    Failure::new(Exit::NotWritable, format!("cannot write `{name}`, which GitHub named: {error}"))
}

/// Fresh, and not to be guessed by whoever wrote a value.
fn delimiter() -> String {
    // The hasher's keys come from the system's randomness.
    let draw = || RandomState::new().build_hasher().finish();
    format!("jules-batch-{:016x}{:016x}", draw(), draw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_output_is_there_when_nothing_was_run() {
        let mut none = outputs_of_nothing(Exit::ManifestInvalid);
        none.extend(Standing::outputs_of_none());
        let yaml = include_str!("../../../action.yml");
        for (name, value) in &none {
            assert!(yaml.contains(&format!("${{{{ steps.run.outputs.{name} }}}}")), "{name}");
            assert!(!value.contains('\n'));
        }
        assert_eq!(none[0], ("outcome", "failure".to_owned()));
        assert_eq!(none[1], ("exit-code", "3".to_owned()));
    }

    #[test]
    fn the_exit_decides_the_outcome_where_nothing_was_run() {
        assert_eq!(outcome(None, Exit::Done), RunOutcome::Success);
        assert_eq!(outcome(None, Exit::WorkLeft), RunOutcome::Partial);
        assert_eq!(outcome(None, Exit::NothingSelected), RunOutcome::Empty);
        assert_eq!(outcome(None, Exit::Terminated), RunOutcome::Cancelled);
        assert_eq!(outcome(None, Exit::KeyRefused), RunOutcome::Failure);
    }

    #[test]
    fn delimiters_are_fresh() {
        assert_ne!(delimiter(), delimiter());
    }

    #[test]
    fn a_summary_that_would_be_dropped_is_left_out() {
        use crate::cli::args::Global;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("summary");
        let console = Console::new(&Global { quiet: true, ..Global::default() });
        summarize(
            &path, "one
", &console,
        );
        summarize(
            &path, "two
", &console,
        );
        summarize(&path, &"x".repeat(1024 * 1024 - 7), &console);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "one\ntwo\n");
    }
}
