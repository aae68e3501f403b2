//! What the action tells GitHub: annotations, the step's summary, its outputs.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use super::ActionArgs;
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::outputs::{Format, ReportArgs};
use crate::cli::run::{Ended, RunArgs};
use crate::report::{self, ReportV1, RunFiles, RunOutcome};

/// Tells GitHub how the run ended, through the files and the log that it reads. Elsewhere the variables are not
/// set, and nothing is written.
pub(super) fn write(
    args: &ActionArgs,
    run: &RunArgs,
    ended: &Ended,
    console: &Console,
) -> Result<(), Failure> {
    let report = ended.record.as_ref().map(ReportV1::of);
    if let Some(report) = &report {
        if args.annotations {
            console.result(&report::annotations(report))?;
        }
        if args.summary {
            append("GITHUB_STEP_SUMMARY", &console.redactor().clean(&report::markdown(report)))?;
        }
    }
    let outputs = outputs(report.as_ref(), ended.exit, &run.reports);
    let delimiter = format!("jules-{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let text = report::output_file(&outputs, &delimiter).map_err(|error| Failure::new(Exit::Fault, error))?;
    append("GITHUB_OUTPUT", &console.redactor().clean(&text))
}

fn outputs(report: Option<&ReportV1>, exit: Exit, args: &ReportArgs) -> Vec<(&'static str, String)> {
    let interrupted = matches!(exit, Exit::Interrupted | Exit::Terminated);
    let path = |path: &Path| path.display().to_string();
    let (json, junit) =
        (path(&args.report_dir.join(Format::Json.file())), path(&args.report_dir.join(Format::Junit.file())));
    let dir = path(&args.report_dir);
    match report {
        Some(report) => {
            let files = RunFiles { json: &json, junit: &junit, dir: &dir };
            report::outputs(report, RunOutcome::of(report, interrupted), exit.code(), files)
        }
        // No run was begun, or it was left in a hurry: there is no report to speak of.
        None => {
            let outcome = match exit {
                Exit::Done => RunOutcome::Success,
                Exit::NothingSelected => RunOutcome::Empty,
                Exit::Interrupted | Exit::Terminated => RunOutcome::Cancelled,
                _ => RunOutcome::Failure,
            };
            vec![
                ("outcome", outcome.as_str().to_owned()),
                ("exit-code", exit.code().to_string()),
                ("report-dir", dir),
                ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ]
        }
    }
}

/// Appends to the file that a variable names, as the runner asks for.
fn append(variable: &str, text: &str) -> Result<(), Failure> {
    let Some(path) = std::env::var_os(variable).filter(|path| !path.is_empty()) else { return Ok(()) };
    let write = || OpenOptions::new().create(true).append(true).open(&path)?.write_all(text.as_bytes());
    write().map_err(|error: std::io::Error| {
        Failure::new(Exit::NotWritable, format!("cannot write the file that {variable} names: {error}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::outputs::JunitProfile;

    #[test]
    fn without_a_run_the_outcome_and_the_code_are_told() {
        let args = ReportArgs {
            report_dir: "jules-report".into(),
            junit: None,
            junit_profile: JunitProfile::Rich,
            json: None,
            events: None,
        };
        let told = |exit| outputs(None, exit, &args).into_iter().take(2).map(|(_, v)| v).collect::<Vec<_>>();
        assert_eq!(told(Exit::NothingSelected), ["empty", "4"]);
        assert_eq!(told(Exit::KeyRefused), ["failure", "6"]);
        assert_eq!(told(Exit::Interrupted), ["cancelled", "130"]);
    }
}
