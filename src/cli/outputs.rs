//! Which report files there are, and where they go.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::reports::{self, BoxError, EventLines, Output, Readers, Reports};
use super::summary;
use crate::outcome::{Listener, RunEvent, RunRecord};
use crate::report::{self, ReportError, ReportV1};

/// Where reports go, and the events that they were made of.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct ReportArgs {
    /// Where reports go.
    #[command(flatten)]
    pub(crate) files: FileArgs,
    /// Write every change of state as a line of JSON also here; - is stdout, instead of the result lines
    #[arg(long, value_name = "PATH")]
    pub(crate) events: Option<PathBuf>,
}

/// Where reports go.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct FileArgs {
    /// Folder of all reports: junit.xml, report.json, report.ctrf.json, summary.md, report.html, events.jsonl
    #[arg(long, value_name = "DIR", default_value = "jules-report")]
    pub(crate) report_dir: PathBuf,
    /// Write the JUnit XML also here; - is stdout, instead of the result lines
    #[arg(long, value_name = "PATH")]
    pub(crate) junit: Option<PathBuf>,
    /// The JUnit XML's dialect: rich has properties and places, jenkins is valid for Jenkins' schema
    #[arg(long, value_name = "PROFILE", value_enum, default_value_t)]
    pub(crate) junit_profile: JunitProfile,
    /// Write report.json also here; - is stdout, instead of the result lines
    #[arg(long, value_name = "PATH")]
    pub(crate) json: Option<PathBuf>,
}

impl ReportArgs {
    /// Whether the events go to stdout.
    #[must_use]
    pub(crate) fn events_on_stdout(&self) -> bool {
        is_stdout(self.events.as_ref())
    }
}

impl FileArgs {
    /// The report that goes to stdout, instead of what a command prints there otherwise.
    #[must_use]
    pub(crate) fn on_stdout(&self) -> Option<Format> {
        let json = is_stdout(self.json.as_ref()).then_some(Format::Json);
        is_stdout(self.junit.as_ref()).then_some(Format::Junit).or(json)
    }
}

fn is_stdout(path: Option<&PathBuf>) -> bool {
    path.is_some_and(|path| path == Path::new("-"))
}

/// The file of that path; `-` is none.
fn file(path: Option<&PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !is_stdout(Some(path))).cloned()
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

/// All report files and their formats.
fn files(args: &FileArgs) -> Vec<(PathBuf, Format)> {
    let folder = Format::ALL.map(|format| (args.report_dir.join(format.file()), format));
    let junit_too = file(args.junit.as_ref()).map(|path| (path, Format::Junit));
    let json_too = file(args.json.as_ref()).map(|path| (path, Format::Json));
    folder.into_iter().chain(junit_too).chain(json_too).collect()
}

/// Writes all of them for a report that will not change any more; returns where they are.
pub(crate) fn write_all(args: &FileArgs, report: &ReportV1) -> Result<Vec<PathBuf>, Failure> {
    let write = |(path, format): (PathBuf, Format)| {
        let text = rendered(format, report, args.junit_profile)?;
        replace(&path, &text)?;
        Ok(path)
    };
    files(args).into_iter().map(write).collect()
}

/// Writes all events to the files that get them; returns where they are.
pub(crate) fn write_events(args: &ReportArgs, events: &[RunEvent]) -> Result<Vec<PathBuf>, Failure> {
    let lines = lines(events);
    let files = event_files(args);
    files.iter().try_for_each(|path| replace(path, &lines))?;
    Ok(files)
}

/// The result of a run on stdout: the report that is wanted there, or else a line for each task. The summary tells the
/// same to whoever sits at a terminal, and events stand alone.
pub(crate) fn result(args: &ReportArgs, record: &RunRecord, console: &Console) -> Result<String, Failure> {
    if let Some(format) = args.files.on_stdout() {
        return rendered(format, &ReportV1::of(record), args.files.junit_profile);
    }
    let told = console.out_terminal() && console.live();
    Ok(if told || args.events_on_stdout() { String::new() } else { summary::result_lines(record) })
}

/// Prints a report.
pub(crate) fn print(
    format: Format,
    report: &ReportV1,
    profile: JunitProfile,
    console: &Console,
) -> Result<(), Failure> {
    console.result(&rendered(format, report, profile)?)
}

fn rendered(format: Format, report: &ReportV1, profile: JunitProfile) -> Result<String, Failure> {
    format.render(report, profile).map_err(|error| Failure::new(Exit::Fault, error))
}

fn replace(path: &Path, text: &str) -> Result<(), Failure> {
    reports::replace(path, text.as_bytes()).map_err(|error| Failure::new(Exit::NotWritable, error))
}

/// Events as they stand in `events.jsonl`.
pub(crate) fn lines(events: &[RunEvent]) -> String {
    events.iter().map(|event| report::event_line(event) + "\n").collect()
}

/// All of them for a report that changes.
fn outputs(args: &FileArgs) -> Vec<Output> {
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
    [args.files.report_dir.join(EVENTS)].into_iter().chain(file(args.events.as_ref())).collect()
}

/// Makes sure that every file can be written, before anything is started.
pub(crate) fn check(args: &ReportArgs) -> Result<(), Failure> {
    if args.events_on_stdout() && args.files.on_stdout().is_some() {
        return Err(one_stdout());
    }
    check_files(&args.files)?;
    writable(event_files(args))
}

/// [`check`], where there are no events.
pub(crate) fn check_files(args: &FileArgs) -> Result<(), Failure> {
    if is_stdout(args.junit.as_ref()) && is_stdout(args.json.as_ref()) {
        return Err(one_stdout());
    }
    writable(files(args).into_iter().map(|(path, _)| path))
}

fn one_stdout() -> Failure {
    Failure::usage("there is one stdout: `-` can be given once").help("name a file for the others")
}

fn writable(paths: impl IntoIterator<Item = PathBuf>) -> Result<(), Failure> {
    paths.into_iter().try_for_each(|path| {
        reports::check(&path).map_err(|error| {
            Failure::new(Exit::NotWritable, error).help("name a writable folder with --report-dir")
        })
    })
}

/// Those who write the reports of a run that stands like `record`: event files hold the whole run, also what earlier
/// invocations did.
pub(crate) fn writers(
    args: &ReportArgs,
    record: RunRecord,
    history: Vec<RunEvent>,
    console: &Console,
) -> Result<Vec<Box<dyn Listener>>, Failure> {
    let mut writers: Vec<Box<dyn Listener>> = vec![Box::new(Reports::new(record, outputs(&args.files)))];
    for path in write_events(args, &history)? {
        let lines = EventLines::append(&path);
        writers.push(Box::new(lines.map_err(|error| Failure::new(Exit::NotWritable, error))?));
    }
    if args.events_on_stdout() {
        writers.push(Box::new(EventLines::stream("stdout", console.stream(), history)));
    }
    Ok(writers)
}

/// The report that people open first.
pub(crate) fn for_people(args: &FileArgs) -> PathBuf {
    args.report_dir.join(Format::Html.file())
}

/// The report that programs read.
pub(crate) fn json(args: &FileArgs) -> PathBuf {
    file(args.json.as_ref()).unwrap_or_else(|| args.report_dir.join(Format::Json.file()))
}

/// The report that CI systems read.
pub(crate) fn for_ci(args: &FileArgs) -> PathBuf {
    file(args.junit.as_ref()).unwrap_or_else(|| args.report_dir.join(Format::Junit.file()))
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

    fn args(junit: &str, json: &str, events: &str) -> ReportArgs {
        let files = FileArgs {
            report_dir: "out".into(),
            junit: Some(junit.into()),
            junit_profile: JunitProfile::Jenkins,
            json: Some(json.into()),
        };
        ReportArgs { files, events: Some(events.into()) }
    }

    #[test]
    fn named_paths_come_beside_the_folder() {
        let args = args("results/tests.xml", "all.json", "-");
        let files = files(&args.files);
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

    #[test]
    fn one_of_them_may_have_stdout() {
        assert_eq!(args("-", "all.json", "e").files.on_stdout(), Some(Format::Junit));
        assert_eq!(args("tests.xml", "-", "e").files.on_stdout(), Some(Format::Json));
        assert_eq!(args("tests.xml", "all.json", "-").files.on_stdout(), None);
        assert_eq!(for_ci(&args("-", "-", "e").files), Path::new("out/junit.xml"));
        for (junit, json, events) in [("-", "-", "e"), ("-", "j", "-"), ("x", "-", "-")] {
            assert_eq!(check(&args(junit, json, events)).unwrap_err().exit(), Exit::Usage);
        }
    }
}
