//! Where reports go, in the words of the command line: files, and `-` for stdout.

use std::io;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::console::Console;
use super::exit::Exit;
use super::failure::Failure;
use super::redact::redactor;
use super::summary;
use crate::outcome::RunRecord;
use crate::report::{JunitProfile, ReportV1};
use crate::runner::{CannotWrite, Diffs, Format, ReportFiles};

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
    /// Write figures for Prometheus here, as node_exporter's textfile collector reads them: name it x.prom in its folder
    #[arg(long, value_name = "PATH")]
    pub(crate) metrics: Option<PathBuf>,
}

impl ReportArgs {
    /// Whether the events go to stdout.
    pub(crate) fn events_on_stdout(&self) -> bool {
        is_stdout(self.events.as_ref())
    }

    /// What it means that one of these files cannot be written before anything is started.
    pub(crate) fn unwritable(&self, error: CannotWrite) -> Failure {
        match self.events.as_ref() == Some(&error.path) {
            true => unwritable(error, "--events"),
            false => self.files.unwritable(error),
        }
    }

    /// The files.
    ///
    /// # Errors
    ///
    /// When more than one of them is to go to stdout, or to the same file.
    pub(crate) fn files(&self) -> Result<ReportFiles, Failure> {
        let files = self.files.files()?;
        if self.events_on_stdout() && self.files.on_stdout().is_some() {
            return Err(one_stdout());
        }
        let files = ReportFiles { more_events: file(self.events.as_ref()).into_iter().collect(), ..files };
        one_each(&files, true)?;
        Ok(files)
    }
}

impl FileArgs {
    /// The report that goes to stdout, instead of what a command prints there otherwise.
    pub(crate) fn on_stdout(&self) -> Option<Format> {
        self.named().find(|(path, _)| is_stdout(Some(path))).map(|(_, format)| format)
    }

    /// [`ReportArgs::unwritable`], where there are no events.
    pub(crate) fn unwritable(&self, error: CannotWrite) -> Failure {
        let mut named = self.named();
        let format = named.find_map(|(path, format)| (*path == error.path).then_some(format));
        unwritable(error, format.map_or(REPORT_DIR, flag_of))
    }

    /// The reports that have a flag of their own, and their paths.
    fn named(&self) -> impl Iterator<Item = (&PathBuf, Format)> {
        let named =
            [(&self.junit, Format::Junit), (&self.json, Format::Json), (&self.metrics, Format::Prometheus)];
        named.into_iter().filter_map(|(path, format)| path.as_ref().map(|path| (path, format)))
    }

    /// [`ReportArgs::files`], where there are no events.
    ///
    /// # Errors
    ///
    /// As there.
    pub(crate) fn files(&self) -> Result<ReportFiles, Failure> {
        if self.named().filter(|(path, _)| is_stdout(Some(path))).count() > 1 {
            return Err(one_stdout());
        }
        let files = ReportFiles {
            folder: self.report_dir.clone(),
            junit_profile: self.junit_profile,
            more: self.named().filter_map(|(path, format)| Some((file(Some(path))?, format))).collect(),
            more_events: Vec::new(),
            redactor: redactor().clone(),
            diffs: Diffs::default(),
        };
        one_each(&files, false)?;
        Ok(files)
    }
}

/// The flag of all reports that have none of their own.
const REPORT_DIR: &str = "--report-dir";

/// The flag that says where a report goes.
const fn flag_of(format: Format) -> &'static str {
    match format {
        Format::Junit => "--junit",
        Format::Json => "--json",
        Format::Prometheus => "--metrics",
        Format::Ctrf | Format::Markdown | Format::Html => REPORT_DIR,
    }
}

/// Each report has a file of its own.
fn one_each(files: &ReportFiles, with_events: bool) -> Result<(), Failure> {
    let Some(clash) = files.clash(with_events) else { return Ok(()) };
    let flags = clash.each_ref().map(|(path, format)| match format {
        Some(format) if files.more.contains(&(path.clone(), *format)) => flag_of(*format),
        None if files.more_events.contains(path) => "--events",
        _ => REPORT_DIR,
    });
    let [(_, _), (path, _)] = &clash;
    let path = foreign_text::line(&path.display().to_string());
    Err(Failure::usage(format!("{} and {} would write different reports to {path}", flags[0], flags[1]))
        .help("name a file for each"))
}

/// Leaves alone what a command reads.
///
/// # Errors
///
/// When one of these files would be overwritten.
pub(crate) fn spare(inputs: &[PathBuf], files: &ReportFiles) -> Result<(), Failure> {
    match inputs.iter().find(|input| files.replaces(input)) {
        Some(input) => Err(would_be_overwritten(input)),
        None => Ok(()),
    }
}

/// That a file is both read and written.
fn would_be_overwritten(input: &Path) -> Failure {
    let input = foreign_text::line(&input.display().to_string());
    Failure::usage(format!("{input} is read, and would be overwritten"))
        .help("name another file or folder for the report")
}

fn is_stdout(path: Option<&PathBuf>) -> bool {
    path.is_some_and(|path| path == Path::new("-"))
}

/// The file of that path; `-` is none.
fn file(path: Option<&PathBuf>) -> Option<PathBuf> {
    path.filter(|path| !is_stdout(Some(path))).cloned()
}

/// `--junit-profile`.
impl ValueEnum for JunitProfile {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Rich, Self::Jenkins]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Rich => PossibleValue::new("rich").help("With everything that readers can show"),
            Self::Jenkins => PossibleValue::new("jenkins").help("Valid for the junit-10 schema of Jenkins"),
        })
    }
}

/// The result of a run on stdout: the report that is wanted there, or else a line for each task. The summary tells the
/// same to whoever sits at a terminal, and events stand alone.
pub(crate) fn result(args: &ReportArgs, record: &RunRecord, console: &Console) -> Result<String, Failure> {
    if let Some(format) = args.files.on_stdout() {
        return rendered(format, &ReportV1::of(record), args.files.junit_profile, &Diffs::default());
    }
    let told = console.out_terminal() && console.live();
    Ok(if told || args.events_on_stdout() { String::new() } else { summary::result_lines(record) })
}

/// Prints a report; a page with the changes that `diffs` gives.
pub(crate) fn print(
    format: Format,
    report: &ReportV1,
    profile: JunitProfile,
    diffs: &Diffs,
    console: &Console,
) -> Result<(), Failure> {
    console.result(&rendered(format, report, profile, diffs)?)
}

fn rendered(
    format: Format,
    report: &ReportV1,
    profile: JunitProfile,
    diffs: &Diffs,
) -> Result<String, Failure> {
    format.render_with(report, profile, diffs).map_err(|error| Failure::new(Exit::Fault, error))
}

fn one_stdout() -> Failure {
    Failure::usage("there is one stdout: `-` can be given once").help("name a file for the others")
}

fn unwritable(error: CannotWrite, flag: &str) -> Failure {
    let is_taken = error.source.kind() == io::ErrorKind::InvalidData;
    let help = match flag {
        _ if is_taken => "name another file or folder, or remove it".to_owned(),
        REPORT_DIR => format!("name a writable folder with {REPORT_DIR}"),
        flag => format!("name a writable file with {flag}"),
    };
    Failure::new(Exit::NotWritable, error).help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Line;

    fn args(junit: &str, json: &str, events: &str) -> ReportArgs {
        let files = FileArgs {
            report_dir: "out".into(),
            junit: Some(junit.into()),
            junit_profile: JunitProfile::Jenkins,
            json: Some(json.into()),
            metrics: None,
        };
        ReportArgs { files, events: Some(events.into()) }
    }

    #[test]
    fn what_cannot_be_written_is_named_by_its_own_flag() {
        let args = args("tests.xml", "all.json", "events");
        let cases = [
            ("out/junit.xml", "name a writable folder with --report-dir"),
            ("tests.xml", "name a writable file with --junit"),
            ("all.json", "name a writable file with --json"),
            ("events", "name a writable file with --events"),
        ];
        for (path, help) in cases {
            let error = CannotWrite { path: path.into(), source: io::ErrorKind::PermissionDenied.into() };
            let failure = args.unwritable(error);
            assert!(failure.lines().contains(&Line::Help(help.to_owned())), "{path}: {:?}", failure.lines());
        }
    }

    #[test]
    fn one_of_them_may_have_stdout() {
        assert_eq!(args("-", "all.json", "e").files.on_stdout(), Some(Format::Junit));
        assert_eq!(args("tests.xml", "-", "e").files.on_stdout(), Some(Format::Json));
        assert_eq!(args("tests.xml", "all.json", "-").files.on_stdout(), None);
        let files = args("-", "all.json", "e").files().unwrap();
        assert_eq!(files.path(Format::Junit), Path::new("out/junit.xml"));
        let twice = [("x", "./x", "e"), ("x", "j", "out/../x"), ("out/report.html", "j", "e")];
        for (junit, json, events) in
            [("-", "-", "e"), ("-", "j", "-"), ("x", "-", "-")].into_iter().chain(twice)
        {
            assert_eq!(args(junit, json, events).files().unwrap_err().exit(), Exit::Usage);
        }
    }
}
