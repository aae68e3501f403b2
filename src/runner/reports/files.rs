//! Which report files there are, and where they go.

use std::io::Write;
use std::path::PathBuf;

use super::{BoxError, CannotWrite, EventLines, Output, Readers, Reports, check, replace};
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
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Junit, Self::Json, Self::Ctrf, Self::Markdown, Self::Html];

    /// Its file in the report folder.
    #[must_use]
    pub const fn file(self) -> &'static str {
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
        }
    }

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
}

impl Default for ReportFiles {
    fn default() -> Self {
        Self {
            folder: "jules-report".into(),
            junit_profile: JunitProfile::default(),
            more: Vec::new(),
            more_events: Vec::new(),
            redactor: Redactor::default(),
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

    /// The files that get every event.
    fn event_files(&self) -> impl Iterator<Item = PathBuf> {
        std::iter::once(self.folder.join(EVENTS)).chain(self.more_events.iter().cloned())
    }

    /// Makes sure that every file can be written, before anything is started.
    ///
    /// # Errors
    ///
    /// The first that cannot.
    pub fn check(&self) -> Result<(), CannotWrite> {
        self.check_without_events()?;
        self.event_files().try_for_each(|path| check(&path))
    }

    /// [`ReportFiles::check`], where there are no events.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn check_without_events(&self) -> Result<(), CannotWrite> {
        self.all().try_for_each(|(path, _)| check(&path))
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
        let lines = self.redactor.clean(&event_lines(events)).into_owned();
        self.event_files().map(|path| replace(&path, lines.as_bytes()).map(|()| path)).collect()
    }

    fn outputs(&self) -> impl Iterator<Item = Output> {
        let profile = self.junit_profile;
        self.all().map(move |(path, format)| {
            let redactor = self.redactor.clone();
            Output {
                path,
                readers: format.readers(),
                render: Box::new(move |report: &ReportV1, out: &mut dyn Write| {
                    redactor.cleaning(out, |out| format.write(report, profile, out))
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
        for path in self.write_events(history)? {
            listeners.push(Box::new(EventLines::append(&path, self.redactor.clone())?));
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
    use std::path::Path;

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
