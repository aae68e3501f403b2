//! Report files, written again after every change, but never so often that they slow the run down.
//!
//! What a report looks like is for [`crate::report`] to say. Reports for programs follow a run closely, those for
//! people from further off; how closely is for [`Pace`] to say, so that writing costs a run next to nothing however
//! large it is.

mod diffs;
mod events;
mod file;
mod files;
mod pace;
mod stream;

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

pub use diffs::Diffs;
pub(crate) use events::EventLines;
pub use file::CannotWrite;
pub(crate) use file::{beside, replace};
pub(crate) use files::event_lines;
pub use files::{Format, ReportFiles};
use pace::{Pace, Readers};

use crate::outcome::{JournalError, Listener, Role, RunEvent, RunRecord};
use crate::report::ReportV1;

/// Writes a report's bytes.
type Render = Box<dyn Fn(&ReportV1, &mut dyn Write) -> Result<(), BoxError> + Send>;
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A report, where it goes and who reads it while the run goes on.
struct Output {
    path: PathBuf,
    readers: Readers,
    /// Whether it cannot be replaced: it gets the report once, at the end.
    is_stream: bool,
    render: Render,
}

/// Keeps the report files of a run up to date.
struct Reports {
    record: RunRecord,
    outputs: Vec<Output>,
    groups: [OutputGroup; Readers::ALL.len()],
}

/// The outputs that are written together.
struct OutputGroup {
    readers: Readers,
    pace: Pace,
    empty: bool,
    /// Whether the files are older than the record.
    dirty: bool,
}

impl Reports {
    /// For a run that stands like `record`.
    fn new(record: RunRecord, outputs: Vec<Output>) -> Self {
        let group = |readers| {
            let empty = !outputs.iter().any(|output| output.readers == readers);
            OutputGroup { readers, pace: Pace::new(readers), empty, dirty: true }
        };
        let groups = Readers::ALL.map(group);
        Self { record, outputs, groups }
    }

    /// Writes the groups that are wanted. All of them are tried; the first failure is told.
    fn write(&mut self, at_end: bool, wanted: impl Fn(&OutputGroup) -> bool) -> Result<(), JournalError> {
        let mut report = None;
        let mut first = Ok(());
        for group in self.groups.iter_mut().filter(|group| !group.empty && wanted(group)) {
            let began = Instant::now();
            // What cannot be written now is tried again with the next change, not in a busy loop.
            group.dirty = false;
            let report = report.get_or_insert_with(|| ReportV1::of(&self.record));
            let due = |output: &&Output| output.readers == group.readers && (at_end || !output.is_stream);
            for output in self.outputs.iter().filter(due) {
                first = first.and(output.write(report));
            }
            group.pace.wrote(began, Instant::now());
        }
        first
    }
}

impl Listener for Reports {
    fn role(&self) -> Role {
        Role::Report
    }

    fn hear(&mut self, events: &[RunEvent]) -> Result<(), JournalError> {
        events.iter().for_each(|event| self.record.apply(event));
        self.groups.iter_mut().for_each(|group| group.dirty = true);
        Ok(())
    }

    fn tick(&mut self, now: Instant) -> Result<Option<Instant>, JournalError> {
        self.write(false, |group| group.dirty && group.pace.wait(now).is_zero())?;
        let due = |group: &OutputGroup| now + group.pace.wait(now);
        Ok(self.groups.iter().filter(|group| group.dirty && !group.empty).map(due).min())
    }

    fn finish(&mut self) -> Result<(), JournalError> {
        self.write(true, |_| true)
    }
}

impl Output {
    fn write(&self, report: &ReportV1) -> Result<(), JournalError> {
        let mut failed = None;
        let render = |file: &mut dyn Write| (self.render)(report, file).map_err(|error| failed = Some(error));
        let written = match self.is_stream {
            true => stream::write_stream(&self.path, render),
            false => file::replace_by(&self.path, render),
        };
        match (written, failed) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(source)) => {
                Err(JournalError::new(format!("cannot make {}", self.path.display()), source))
            }
            (Ok(()), None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::sample;

    fn count(report: &ReportV1, out: &mut dyn Write) -> Result<(), BoxError> {
        Ok(write!(out, "{}/{}", report.remaining, report.tasks.len())?)
    }

    fn start(dir: &std::path::Path, render: Render) -> Reports {
        let record = RunRecord::begin(&sample::run_of(0)[0]).unwrap();
        Reports::new(
            record,
            vec![Output {
                path: dir.join("count.txt"),
                readers: Readers::Programs,
                is_stream: false,
                render,
            }],
        )
    }

    #[test]
    fn the_end_writes_what_was_heard() {
        let dir = tempfile::tempdir().unwrap();
        let mut reports = start(dir.path(), Box::new(count));
        let mut lines = EventLines::append(&dir.path().join("events.jsonl")).unwrap();
        let events = sample::run_of(2);
        for event in &events[1..] {
            reports.hear(std::slice::from_ref(event)).unwrap();
            lines.hear(std::slice::from_ref(event)).unwrap();
        }
        reports.finish().unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("count.txt")).unwrap(), "0/2");
        let lines = std::fs::read_to_string(dir.path().join("events.jsonl")).unwrap();
        let read: Vec<RunEvent> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, events[1..]);
    }

    #[test]
    fn many_changes_are_few_writes() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let dir = tempfile::tempdir().unwrap();
        let writes = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&writes);
        let mut reports = start(
            dir.path(),
            Box::new(move |report, out| {
                // Were it done after every event, it would be done a thousand times.
                counter.fetch_add(1, Ordering::Relaxed);
                count(report, out)
            }),
        );
        for event in &sample::run_of(500)[1..] {
            reports.hear(std::slice::from_ref(event)).unwrap();
            reports.tick(Instant::now()).unwrap();
        }
        reports.finish().unwrap();
        assert!(writes.load(Ordering::Relaxed) < 100, "{writes:?}");
        assert_eq!(std::fs::read_to_string(dir.path().join("count.txt")).unwrap(), "0/500");
    }

    #[test]
    fn a_failure_reaches_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut reports = start(dir.path(), Box::new(|_, _| Err("no".into())));
        let error = reports.finish().unwrap_err();
        assert!(error.to_string().contains("count.txt"), "{error}");
    }
}
