//! Which report files there are, and where they go.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::file::{check, own_place, place};
use super::stream::{is_stream, open_stream};
use super::{BoxError, CannotWrite, Diffs, EventLines, Output, Readers, Reports, replace};
use crate::ledger::keep_out_of_git;
use crate::outcome::{JournalError, Listener, RunEvent, RunRecord};
use crate::report::{self, JunitProfile, ReportError, ReportV1};
use crate::runner::Redactor;

/// A report in one format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// JUnit XML.
    Junit,
    /// `report.json`.
    Json,
    /// Common Test Report Format.
    Ctrf,
    /// A summary in Markdown.
    Markdown,
    /// One self-contained page.
    Html,
    /// Figures in Prometheus' text format; not in the report folder, only where it is asked for.
    Prometheus,
}

impl Format {
    /// Those of the report folder.
    pub const ALL: [Self; 5] = [Self::Junit, Self::Json, Self::Ctrf, Self::Markdown, Self::Html];

    /// Its file in the report folder, or what it is called elsewhere.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Junit => "junit.xml",
            Self::Json => "report.json",
            Self::Ctrf => "report.ctrf.json",
            Self::Markdown => "summary.md",
            Self::Html => "report.html",
            Self::Prometheus => "jules-batch.prom",
        }
    }

    /// Whether a file that begins like this may be one that we have written. A password may be one of our own words: then
    /// `***` stands there.
    fn begins(self, head: &str) -> bool {
        let has = |[before, word, after]: [&str; 3]| {
            [word, "***"].iter().any(|word| head.contains(&format!("{before}{word}{after}")))
        };
        match self {
            Self::Junit => has(["<", "testsuite", ""]),
            Self::Json => has(["\"", "schemaVersion", "\": "]),
            Self::Ctrf => head.contains("\"CTRF\""),
            Self::Markdown => report::is_summary(head),
            Self::Html => has(["content=\"", "jules-batch", " "]),
            Self::Prometheus => has(["# HELP ", "jules_batch_run_info", " "]),
        }
    }

    /// Who reads it while a run goes on.
    const fn readers(self) -> Readers {
        match self {
            Self::Junit | Self::Json | Self::Prometheus => Readers::Programs,
            Self::Ctrf | Self::Markdown | Self::Html => Readers::People,
        }
    }

    /// With what a line of it ends that is ours, and no text that others wrote: in markup `>` is escaped, a text in JSON has
    /// no line break as it is, and nothing tells it in the others, which are short.
    const fn line_ends(self) -> &'static [u8] {
        match self {
            Self::Junit | Self::Html => b">",
            Self::Json | Self::Ctrf => b",{[",
            Self::Markdown | Self::Prometheus => b"",
        }
    }

    /// The report in this format.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn render(self, report: &ReportV1, profile: JunitProfile) -> Result<String, ReportError> {
        match self {
            Self::Junit => report::junit(report, profile),
            Self::Json => Ok(report::to_json(report)),
            Self::Ctrf => Ok(report::ctrf(report)),
            Self::Markdown => Ok(report::markdown(report)),
            Self::Html => report::html(report),
            Self::Prometheus => Ok(report::prometheus(report)),
        }
    }

    /// The same with the changes that a page shows.
    ///
    /// # Errors
    ///
    /// As [`Format::render`].
    pub(crate) fn render_with(
        self,
        report: &ReportV1,
        profile: JunitProfile,
        diffs: &Diffs,
    ) -> Result<String, ReportError> {
        if self != Self::Html {
            return self.render(report, profile);
        }
        let mut page = Vec::new();
        report::write_html_with(report, &mut diffs.reader(), &mut page)?;
        Ok(String::from_utf8_lossy(&page).into_owned())
    }

    /// Writes the report in this format; large ones as they are made.
    fn write(
        self,
        report: &ReportV1,
        profile: JunitProfile,
        diffs: &Diffs,
        out: &mut dyn Write,
    ) -> Result<(), BoxError> {
        match self {
            Self::Html => Ok(report::write_html_with(report, &mut diffs.reader(), out)?),
            Self::Json => Ok(report::write_json(report, out)?),
            Self::Ctrf => Ok(report::write_ctrf(report, out)?),
            Self::Junit => Ok(report::write_junit(report, profile, out)?),
            // These are short however many tasks there are.
            Self::Markdown | Self::Prometheus => Ok(out.write_all(self.render(report, profile)?.as_bytes())?),
        }
    }
}

const EVENTS: &str = "events.jsonl";

/// Where reports go.
#[derive(Clone, Debug)]
pub struct ReportFiles {
    /// Folder of all reports, one in each format, and of `events.jsonl`; `jules-report` by default.
    pub folder: PathBuf,
    /// The dialect of JUnit XML.
    pub junit_profile: JunitProfile,
    /// Further files.
    pub more: Vec<(PathBuf, Format)>,
    /// Further files that get every event as a line of JSON.
    pub more_events: Vec<PathBuf>,
    /// What must not stand in them; a run adds its key.
    pub redactor: Redactor,
    /// Where the page takes the changes of sessions from; a run names its ledger.
    pub diffs: Diffs,
}

impl Default for ReportFiles {
    fn default() -> Self {
        Self {
            folder: "jules-report".into(),
            junit_profile: JunitProfile::default(),
            more: Vec::new(),
            more_events: Vec::new(),
            redactor: Redactor::default(),
            diffs: Diffs::default(),
        }
    }
}

impl ReportFiles {
    /// All report files and their formats, but those of events.
    fn all(&self) -> impl Iterator<Item = (PathBuf, Format)> {
        let folder = Format::ALL.map(|format| (self.folder.join(format.file()), format));
        folder.into_iter().chain(self.more.iter().cloned())
    }

    /// Where a report of this format is to be found: a further file, or else the one in the folder.
    #[must_use]
    pub fn path(&self, format: Format) -> PathBuf {
        let more = self.more.iter().find(|(_, other)| *other == format);
        more.map_or_else(|| self.folder.join(format.file()), |(path, _)| path.clone())
    }

    /// Whether the path is no place for a file. A link that others put into the folder is replaced, whatever it leads to.
    fn is_stream(&self, path: &Path) -> bool {
        let mut named = self.more.iter().map(|(path, _)| path).chain(&self.more_events);
        is_stream(path) && (!path.is_symlink() || named.any(|named| named == path))
    }

    /// Whether this file would make way for one of the files.
    pub(crate) fn replaces(&self, file: &Path) -> bool {
        let mut all = self.each_of_all(true).filter(|(path, _)| !self.is_stream(path));
        file.is_file() && all.any(|(path, _)| place(&path) == place(file))
    }

    /// Two that are not the same and have the same place, so that one would replace the other. Of events there is no format.
    pub(crate) fn clash(&self, with_events: bool) -> Option<[(PathBuf, Option<Format>); 2]> {
        let mut seen: Vec<(String, (PathBuf, Option<Format>))> = Vec::new();
        for file in self.each_of_all(with_events).filter(|(path, _)| !self.is_stream(path)) {
            let place = own_place(&file.0);
            match seen.iter().find(|(other, (_, format))| *other == place && *format != file.1) {
                Some((_, other)) => return Some([other.clone(), file]),
                None => seen.push((place, file)),
            }
        }
        None
    }

    fn each_of_all(&self, with_events: bool) -> impl Iterator<Item = (PathBuf, Option<Format>)> {
        let events = self.event_files().filter(move |_| with_events).map(|path| (path, None));
        self.all().map(|(path, format)| (path, Some(format))).chain(events)
    }

    /// The files that get every event.
    fn event_files(&self) -> impl Iterator<Item = PathBuf> {
        std::iter::once(self.folder.join(EVENTS)).chain(self.more_events.iter().cloned())
    }

    /// Makes sure that every file can be written, and that nothing else is lost by it, before anything is started.
    ///
    /// # Errors
    ///
    /// The first that cannot, or that is something else than such a report.
    pub fn check(&self) -> Result<(), CannotWrite> {
        self.check_places(true)?;
        self.check_without_events()?;
        let is_ours = |head: &str| head.starts_with("{\"v\":");
        self.event_files().filter(|path| !self.is_stream(path)).try_for_each(|path| check(&path, is_ours))
    }

    /// [`ReportFiles::check`], where there are no events.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn check_without_events(&self) -> Result<(), CannotWrite> {
        self.check_places(false)?;
        let is_new = !self.folder.exists();
        let mut files = self.all().filter(|(path, _)| !self.is_stream(path));
        files.try_for_each(|(path, format)| check(&path, |head| format.begins(head)))?;
        if is_new {
            keep_out_of_git(&self.folder);
        }
        Ok(())
    }

    fn check_places(&self, with_events: bool) -> Result<(), CannotWrite> {
        let Some([_, (path, _)]) = self.clash(with_events) else { return Ok(()) };
        let what = "another report goes to the same file";
        Err(CannotWrite { path, source: io::Error::new(io::ErrorKind::InvalidData, what) })
    }

    /// Writes all reports of a run that will not change any more; returns where they are.
    ///
    /// # Errors
    ///
    /// When a report cannot be made or written.
    pub fn write(&self, report: &ReportV1) -> Result<Vec<PathBuf>, JournalError> {
        self.outputs().map(|output| output.write(report).map(|()| output.path)).collect()
    }

    /// Writes all events to the files that get them; returns where they are.
    ///
    /// # Errors
    ///
    /// When a file cannot be written.
    pub fn write_events(&self, events: &[RunEvent]) -> Result<Vec<PathBuf>, CannotWrite> {
        let lines = event_lines(events);
        let lines = self.redactor.clean(&lines);
        let write = |path: &Path| match self.is_stream(path) {
            true => open_stream(path)?
                .write_all(lines.as_bytes())
                .map_err(|source| CannotWrite { path: path.to_owned(), source }),
            false => replace(path, lines.as_bytes()),
        };
        self.event_files().map(|path| write(&path).map(|()| path)).collect()
    }

    fn outputs(&self) -> impl Iterator<Item = Output> {
        let profile = self.junit_profile;
        self.all().map(move |(path, format)| {
            let (redactor, diffs) = (self.redactor.clone(), self.diffs.clone());
            Output {
                is_stream: self.is_stream(&path),
                path,
                readers: format.readers(),
                render: Box::new(move |report: &ReportV1, out: &mut dyn Write| {
                    redactor
                        .cleaning(out, format.line_ends(), |out| format.write(report, profile, &diffs, out))
                }),
            }
        })
    }

    /// Those who write the reports of a run that stands like `record`: event files hold the whole run, also what
    /// earlier invocations did.
    pub(in crate::runner) fn listeners(
        &self,
        record: &RunRecord,
        history: &[RunEvent],
    ) -> Result<Vec<Box<dyn Listener>>, CannotWrite> {
        let reports = Reports::new(record.clone(), self.outputs().collect());
        let mut listeners: Vec<Box<dyn Listener>> = vec![Box::new(reports)];
        let lines = event_lines(history);
        let lines = self.redactor.clean(&lines);
        for path in self.event_files() {
            let events = if self.is_stream(&path) {
                // Opened once: whoever reads it takes a second opening for the end.
                EventLines::stream(path.clone(), open_stream(&path)?, history.to_vec())
            } else {
                replace(&path, lines.as_bytes())?;
                EventLines::append(&path)?
            };
            listeners.push(Box::new(events.redacted(self.redactor.clone())));
        }
        Ok(listeners)
    }
}

/// Events as they stand in `events.jsonl`.
pub(crate) fn event_lines(events: &[RunEvent]) -> String {
    events.iter().map(|event| report::event_line(event) + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_paths_come_beside_the_folder() {
        let files = ReportFiles {
            folder: "out".into(),
            more: vec![("results/tests.xml".into(), Format::Junit), ("all.json".into(), Format::Json)],
            ..ReportFiles::default()
        };
        let names: Vec<_> = files.all().map(|(path, _)| path.display().to_string()).collect();
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
        assert_eq!(files.event_files().collect::<Vec<_>>(), [Path::new("out/events.jsonl")]);
        assert_eq!(files.path(Format::Junit), Path::new("results/tests.xml"));
        assert_eq!(files.path(Format::Html), Path::new("out/report.html"));
    }
}
