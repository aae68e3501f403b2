//! Which report files there are, and where they go.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::reports::{self, BoxError, EventSink, Output, Readers};
use crate::outcome::RunEvent;
use crate::report::{self, ReportError, ReportV1};

/// Where reports go.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct ReportArgs {
    /// Folder of all reports: junit.xml, report.json, report.ctrf.json, summary.md, report.html, events.jsonl
    #[arg(long, value_name = "DIR", default_value = "jules-report")]
    pub(crate) report_dir: PathBuf,
    /// Write the JUnit XML also here
    #[arg(long, value_name = "PATH")]
    pub(crate) junit: Option<PathBuf>,
    /// The JUnit XML's dialect: rich has properties and places, jenkins is valid for Jenkins' schema
    #[arg(long, value_name = "PROFILE", value_enum, default_value_t)]
    pub(crate) junit_profile: JunitProfile,
    /// Write report.json also here
    #[arg(long, value_name = "PATH")]
    pub(crate) json: Option<PathBuf>,
    /// Write every change of state as a line of JSON also here; - is stdout, instead of the result lines
    #[arg(long, value_name = "PATH")]
    pub(crate) events: Option<PathBuf>,
}

impl ReportArgs {
    /// Whether the events go to stdout.
    #[must_use]
    pub(crate) fn events_on_stdout(&self) -> bool {
        self.events.as_deref() == Some(Path::new("-"))
    }
}

/// `--junit-profile`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum JunitProfile {
    /// With everything that readers can show.
    #[default]
    Rich,
    /// Valid for the junit-10 schema of Jenkins.
    Jenkins,
}

/// A report in one format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// JUnit XML
    Junit,
    /// report.json
    Json,
    /// Common Test Report Format
    Ctrf,
    /// summary.md
    Markdown,
    /// One self-contained page
    Html,
}

impl Format {
    /// All of them.
    pub(crate) const ALL: [Self; 5] = [Self::Junit, Self::Json, Self::Ctrf, Self::Markdown, Self::Html];

    /// Its file in the report folder.
    pub(crate) const fn file(self) -> &'static str {
        match self {
            Self::Junit => "junit.xml",
            Self::Json => "report.json",
            Self::Ctrf => "report.ctrf.json",
            Self::Markdown => "summary.md",
            Self::Html => "report.html",
        }
    }

    /// Who reads it while a run goes on.
    const fn readers(self) -> Readers {
        match self {
            Self::Junit | Self::Json => Readers::Programs,
            Self::Ctrf | Self::Markdown | Self::Html => Readers::People,
        }
    }

    /// The report in this format.
    pub(crate) fn render(self, report: &ReportV1, profile: JunitProfile) -> Result<String, ReportError> {
        match self {
            Self::Junit => report::junit(report, profile.into()),
            Self::Json => Ok(report::to_json(report)),
            Self::Ctrf => Ok(report::ctrf(report)),
            Self::Markdown => Ok(report::markdown(report)),
            Self::Html => report::html(report),
        }
    }
}

impl Format {
    /// Writes the report in this format; the large one as it is made.
    fn write(self, report: &ReportV1, profile: JunitProfile, out: &mut dyn Write) -> Result<(), BoxError> {
        match self {
            Self::Html => Ok(report::write_html(report, out)?),
            Self::Junit | Self::Json | Self::Ctrf | Self::Markdown => {
                Ok(out.write_all(self.render(report, profile)?.as_bytes())?)
            }
        }
    }
}

const EVENTS: &str = "events.jsonl";

/// All report files and their formats; `-` is no file.
pub(crate) fn files(args: &ReportArgs) -> Vec<(PathBuf, Format)> {
    let folder = Format::ALL.map(|format| (args.report_dir.join(format.file()), format));
    let junit_too = args.junit.iter().map(|path| (path.clone(), Format::Junit));
    let json_too = args.json.iter().map(|path| (path.clone(), Format::Json));
    folder.into_iter().chain(junit_too).chain(json_too).collect()
}

/// Writes all of them for a report that will not change any more.
pub(crate) fn write_all(args: &ReportArgs, report: &ReportV1) -> Result<(), Failure> {
    for (path, format) in files(args) {
        let text = format.render(report, args.junit_profile).map_err(|e| Failure::new(Exit::Fault, e))?;
        reports::replace(&path, text.as_bytes()).map_err(|e| Failure::new(Exit::NotWritable, e))?;
    }
    Ok(())
}

/// All of them for a report that changes.
fn outputs(args: &ReportArgs) -> Vec<Output> {
    let profile = args.junit_profile;
    let output = |(path, format): (PathBuf, Format)| Output {
        path,
        readers: format.readers(),
        render: Box::new(move |report: &ReportV1, out: &mut dyn Write| format.write(report, profile, out)),
    };
    files(args).into_iter().map(output).collect()
}

/// The files that get every event.
fn event_files(args: &ReportArgs) -> Vec<PathBuf> {
    let named = args.events.iter().filter(|_| !args.events_on_stdout()).cloned();
    [args.report_dir.join(EVENTS)].into_iter().chain(named).collect()
}

/// Makes sure that every file can be written, before anything is started.
pub(crate) fn check(args: &ReportArgs) -> Result<(), Failure> {
    let mut files = files(args).into_iter().map(|(path, _)| path).chain(event_files(args));
    files.try_for_each(|path| {
        reports::check(&path).map_err(|error| {
            Failure::new(Exit::NotWritable, error).help("name a writable folder with --report-dir")
        })
    })
}

/// What the report writer starts with: event files hold the whole run, also what earlier invocations did.
pub(crate) fn open(
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
pub(crate) fn for_people(args: &ReportArgs) -> PathBuf {
    args.report_dir.join(Format::Html.file())
}

/// The report that programs read.
pub(crate) fn json(args: &ReportArgs) -> PathBuf {
    args.json.clone().unwrap_or_else(|| args.report_dir.join(Format::Json.file()))
}

/// The report that CI systems read.
pub(crate) fn for_ci(args: &ReportArgs) -> PathBuf {
    args.junit.clone().unwrap_or_else(|| args.report_dir.join(Format::Junit.file()))
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
        let files = files(&args);
        let names: Vec<_> = files.iter().map(|(path, _)| path.to_str().unwrap()).collect();
        assert_eq!(
            names,
            [
                "out/junit.xml",
                "out/report.json",
                "out/report.ctrf.json",
                "out/summary.md",
                "out/report.html",
                "results/tests.xml",
                "all.json"
            ]
        );
        assert_eq!(event_files(&args), [Path::new("out/events.jsonl")]);
    }
}
