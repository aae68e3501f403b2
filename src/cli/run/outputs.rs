//! Which report files a run writes, and where.

use std::path::{Path, PathBuf};

use super::args::{JunitProfile, ReportArgs};
use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::cli::failure::Failure;
use crate::cli::reports::{self, EventSink, Output, Render};
use crate::outcome::{RunEvent, RunRecord};
use crate::report::{self, ReportV1};

/// A file of the report folder and how it is made.
type Format = (&'static str, fn(JunitProfile) -> Render);

/// The files of the report folder that are rendered from a record.
const FORMATS: [Format; 4] = [
    ("junit.xml", junit),
    ("report.json", json),
    ("report.ctrf.json", |_| plain(report::ctrf)),
    ("summary.md", |_| plain(report::markdown)),
];
const EVENTS: &str = "events.jsonl";

fn junit(profile: JunitProfile) -> Render {
    Box::new(move |record| Ok(report::junit(&ReportV1::of(record), profile.into())?.into_bytes()))
}

fn json(_: JunitProfile) -> Render {
    plain(report::to_json)
}

fn plain(render: fn(&ReportV1) -> String) -> Render {
    Box::new(move |record: &RunRecord| Ok(render(&ReportV1::of(record)).into_bytes()))
}

/// All report files of a run with their renderings; `-` is no file.
pub(crate) fn outputs(args: &ReportArgs) -> Vec<Output> {
    let profile = args.junit_profile;
    let folder = FORMATS.into_iter().map(|(name, make)| (args.report_dir.join(name), make));
    let junit_too = args.junit.iter().map(|path| (path.clone(), junit as fn(JunitProfile) -> Render));
    let json_too = args.json.iter().map(|path| (path.clone(), json as fn(JunitProfile) -> Render));
    folder
        .chain(junit_too)
        .chain(json_too)
        .map(|(path, make)| Output { path, render: make(profile) })
        .collect()
}

/// The files that get every event.
fn event_files(args: &ReportArgs) -> Vec<PathBuf> {
    let named = args.events.iter().filter(|_| !args.events_on_stdout()).cloned();
    [args.report_dir.join(EVENTS)].into_iter().chain(named).collect()
}

/// Makes sure that every file can be written, before anything is started.
pub(super) fn check(args: &ReportArgs) -> Result<(), Failure> {
    let files = outputs(args).into_iter().map(|output| output.path).chain(event_files(args));
    files.into_iter().try_for_each(|path| {
        reports::check(&path).map_err(|error| {
            Failure::new(Exit::NotWritable, error).help("name a writable folder with --report-dir")
        })
    })
}

/// What the report writer starts with: event files hold the whole run, also what earlier invocations did.
pub(super) fn open(
    args: &ReportArgs,
    history: &[RunEvent],
    console: &Console,
) -> Result<(Vec<Output>, Vec<EventSink>), Failure> {
    let lines: String = history.iter().map(|event| report::event_line(event) + "\n").collect();
    let mut sinks = Vec::new();
    for path in event_files(args) {
        reports::replace(&path, lines.as_bytes()).map_err(|error| Failure::new(Exit::NotWritable, error))?;
        sinks.push(EventSink::File(path));
    }
    if args.events_on_stdout() {
        console.result(&lines)?;
        sinks.push(EventSink::Stdout(console.clone()));
    }
    Ok((outputs(args), sinks))
}

/// The report that people open first.
pub(super) fn for_people(args: &ReportArgs) -> PathBuf {
    args.report_dir.join("summary.md")
}

/// The report that CI systems read.
pub(super) fn for_ci(args: &ReportArgs) -> PathBuf {
    args.junit.clone().unwrap_or_else(|| args.report_dir.join("junit.xml"))
}

impl From<JunitProfile> for report::JunitProfile {
    fn from(profile: JunitProfile) -> Self {
        match profile {
            JunitProfile::Rich => Self::Rich,
            JunitProfile::Jenkins => Self::Jenkins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_paths_come_beside_the_folder() {
        let args = ReportArgs {
            report_dir: "out".into(),
            junit: Some("results/tests.xml".into()),
            junit_profile: JunitProfile::Jenkins,
            json: Some("all.json".into()),
            events: Some("-".into()),
        };
        let paths: Vec<_> = outputs(&args).into_iter().map(|output| output.path).collect();
        let names: Vec<_> = paths.iter().map(|path| path.to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "out/junit.xml",
                "out/report.json",
                "out/report.ctrf.json",
                "out/summary.md",
                "results/tests.xml",
                "all.json"
            ]
        );
        assert_eq!(event_files(&args), [Path::new("out/events.jsonl")]);
    }
}
