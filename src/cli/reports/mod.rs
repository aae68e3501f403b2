//! Report files, written again after every change, but never so often that they slow the run down.
//!
//! A thread of its own folds the events and writes: the run hands over events and goes on. What a report looks
//! like is for [`crate::report`] to say. Reports for programs follow a run closely, those for people from further
//! off; how closely is for [`Pace`] to say, so that writing costs a run next to nothing however large it is.

mod file;
mod pace;

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub(crate) use file::{CannotWrite, check, replace};
use pace::Pace;
pub(crate) use pace::Readers;

use super::console::Console;
use crate::outcome::{Observer, ObserverError, RunEvent, RunRecord};
use crate::report::ReportV1;

/// Writes a report's bytes.
pub(crate) type Render = Box<dyn Fn(&ReportV1, &mut dyn Write) -> Result<(), BoxError> + Send>;
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A report, where it goes and who reads it while the run goes on.
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) readers: Readers,
    pub(crate) render: Render,
}

/// Where the lines of `events.jsonl` go.
pub(crate) enum EventSink {
    /// To the end of a file.
    File(PathBuf),
    /// To stdout.
    Stdout(Console),
}

/// Keeps the report files of a run up to date.
pub(crate) struct Reports {
    orders: Sender<Order>,
    /// The first failure of the writing thread.
    failures: Receiver<ReportError>,
    thread: Option<JoinHandle<()>>,
}

enum Order {
    Take(Vec<RunEvent>),
    /// Write everything and answer.
    Flush(Sender<Result<(), ReportError>>),
}

/// A report could not be kept up to date.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    /// A file could not be written.
    #[error(transparent)]
    Write(#[from] CannotWrite),
    /// A report could not be made.
    #[error("cannot make {}", path.display())]
    Render {
        path: PathBuf,
        #[source]
        source: BoxError,
    },
    /// The writing thread is gone, which only a panic can do.
    #[error("the report writer has stopped")]
    Gone,
}

impl Reports {
    /// Starts the writing thread for a run that stands like `record`. Event sinks get the events to come.
    ///
    /// # Errors
    ///
    /// When an event file cannot be opened.
    pub(crate) fn start(
        record: RunRecord,
        outputs: Vec<Output>,
        sinks: Vec<EventSink>,
        line: fn(&RunEvent) -> String,
    ) -> Result<Self, ReportError> {
        let sinks = sinks.into_iter().map(OpenSink::open).collect::<Result<_, _>>()?;
        let (orders, inbox) = mpsc::channel();
        let (complaints, failures) = mpsc::channel();
        let shelves = Readers::ALL.map(|readers| Shelf::new(readers, &outputs));
        let writer = Writer { record, outputs, sinks, line, shelves };
        let thread = std::thread::spawn(move || writer.work(&inbox, &complaints));
        Ok(Self { orders, failures, thread: Some(thread) })
    }
}

impl Observer for Reports {
    fn observe(&mut self, events: &[RunEvent]) -> Result<(), ObserverError> {
        if let Ok(failure) = self.failures.try_recv() {
            return Err(observer_error(failure));
        }
        let sent = self.orders.send(Order::Take(events.to_vec()));
        sent.map_err(|_| observer_error(ReportError::Gone))
    }

    fn flush(&mut self) -> Result<(), ObserverError> {
        let (reply, answer) = mpsc::channel();
        let asked = self.orders.send(Order::Flush(reply)).map_err(|_| ReportError::Gone);
        let answer = asked.and_then(|()| answer.recv().map_err(|_| ReportError::Gone));
        answer.flatten().map_err(observer_error)
    }
}

impl Drop for Reports {
    fn drop(&mut self) {
        // The thread ends when nobody can order any more, and writes what is left.
        self.orders = mpsc::channel().0;
        if let Some(thread) = self.thread.take() {
            // Its panic has been shown where it happened.
            let _ = thread.join();
        }
    }
}

fn observer_error(error: ReportError) -> ObserverError {
    let source: BoxError = match error {
        ReportError::Write(CannotWrite { path, source }) => {
            return ObserverError::new(format!("cannot write {}", path.display()), source);
        }
        ReportError::Render { path, source } => {
            return ObserverError::new(format!("cannot make {}", path.display()), source);
        }
        ReportError::Gone => "its thread has ended".into(),
    };
    ObserverError::new("the reports are not written any more", source)
}

/// The side of the thread.
struct Writer {
    record: RunRecord,
    outputs: Vec<Output>,
    sinks: Vec<OpenSink>,
    line: fn(&RunEvent) -> String,
    shelves: [Shelf; Readers::ALL.len()],
}

/// The outputs that are written together.
struct Shelf {
    readers: Readers,
    pace: Pace,
    empty: bool,
    /// Whether the files are older than the record.
    dirty: bool,
}

impl Shelf {
    fn new(readers: Readers, outputs: &[Output]) -> Self {
        let empty = !outputs.iter().any(|output| output.readers == readers);
        Self { readers, pace: Pace::new(readers), empty, dirty: true }
    }

    /// How long until its files are to be written; none while they are up to date.
    fn wait(&self, now: Instant) -> Option<Duration> {
        (self.dirty && !self.empty).then(|| self.pace.wait(now))
    }

    fn is_due(&self, now: Instant) -> bool {
        self.wait(now).is_some_and(|wait| wait.is_zero())
    }
}

/// When nothing is to be written, the thread wakes up so seldom.
const IDLE: Duration = Duration::from_secs(3600);

impl Writer {
    fn work(mut self, inbox: &Receiver<Order>, complaints: &Sender<ReportError>) {
        let mut complained = false;
        loop {
            let now = Instant::now();
            let wait = self.shelves.iter().filter_map(|shelf| shelf.wait(now)).min().unwrap_or(IDLE);
            let done = match inbox.recv_timeout(wait) {
                Ok(Order::Take(events)) => self.take(&events),
                Ok(Order::Flush(reply)) => {
                    // Whoever asked may have gone; then nobody wants the answer.
                    let _ = reply.send(self.write(|_| true));
                    Ok(())
                }
                Err(RecvTimeoutError::Timeout) => {
                    let now = Instant::now();
                    self.write(|shelf| shelf.is_due(now))
                }
                Err(RecvTimeoutError::Disconnected) => {
                    // Nobody is left to complain to; a run that ends in order has flushed before.
                    let _ = self.write(|shelf| shelf.dirty);
                    return;
                }
            };
            // One complaint is enough: the run ends by it, and the last flush tells again.
            if let Err(error) = done
                && !complained
            {
                complained = true;
                let _ = complaints.send(error);
            }
        }
    }

    fn take(&mut self, events: &[RunEvent]) -> Result<(), ReportError> {
        for event in events {
            self.record.apply(event);
        }
        for shelf in &mut self.shelves {
            shelf.dirty = true;
        }
        let lines: String = events.iter().map(|event| (self.line)(event) + "\n").collect();
        self.sinks.iter_mut().try_for_each(|sink| sink.write(&lines))?;
        Ok(())
    }

    /// Writes the shelves that are wanted. All of them are tried; the first failure is told.
    fn write(&mut self, wanted: impl Fn(&Shelf) -> bool) -> Result<(), ReportError> {
        let mut report = None;
        let mut first = Ok(());
        for shelf in self.shelves.iter_mut().filter(|shelf| !shelf.empty && wanted(shelf)) {
            let began = Instant::now();
            // What cannot be written now is tried again with the next change, not in a busy loop.
            shelf.dirty = false;
            let report = report.get_or_insert_with(|| ReportV1::of(&self.record));
            for output in self.outputs.iter().filter(|output| output.readers == shelf.readers) {
                first = first.and(output.write(report));
            }
            shelf.pace.wrote(began, Instant::now());
        }
        first
    }
}

impl Output {
    fn write(&self, report: &ReportV1) -> Result<(), ReportError> {
        let mut failed = None;
        let render = |file: &mut dyn Write| (self.render)(report, file).map_err(|error| failed = Some(error));
        match (file::replace_by(&self.path, render), failed) {
            (Err(error), _) => Err(error.into()),
            (Ok(()), Some(source)) => Err(ReportError::Render { path: self.path.clone(), source }),
            (Ok(()), None) => Ok(()),
        }
    }
}

enum OpenSink {
    File { path: PathBuf, file: BufWriter<File> },
    Stdout(Console),
}

impl OpenSink {
    fn open(sink: EventSink) -> Result<Self, CannotWrite> {
        match sink {
            EventSink::Stdout(console) => Ok(Self::Stdout(console)),
            EventSink::File(path) => match OpenOptions::new().create(true).append(true).open(&path) {
                Ok(file) => Ok(Self::File { path, file: BufWriter::new(file) }),
                Err(source) => Err(CannotWrite { path, source }),
            },
        }
    }

    fn write(&mut self, lines: &str) -> Result<(), CannotWrite> {
        match self {
            Self::File { path, file } => file
                .write_all(lines.as_bytes())
                .and_then(|()| file.flush())
                .map_err(|source| CannotWrite { path: path.clone(), source }),
            Self::Stdout(console) => console.result(lines).map_err(|_| CannotWrite {
                path: PathBuf::from("stdout"),
                source: std::io::Error::other("see above"),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::progress::sample;

    fn count(report: &ReportV1, out: &mut dyn Write) -> Result<(), BoxError> {
        Ok(write!(out, "{}/{}", report.remaining, report.tasks.len())?)
    }

    fn start(dir: &std::path::Path, render: Render) -> Reports {
        let record = RunRecord::begin(&sample::run_of(0)[0]).unwrap();
        let outputs = vec![Output { path: dir.join("count.txt"), readers: Readers::Programs, render }];
        let sinks = vec![EventSink::File(dir.join("events.jsonl"))];
        Reports::start(record, outputs, sinks, |event| serde_json::to_string(event).unwrap()).unwrap()
    }

    #[test]
    fn a_flush_writes_what_was_seen() {
        let dir = tempfile::tempdir().unwrap();
        let mut reports = start(dir.path(), Box::new(count));
        let events = sample::run_of(2);
        for event in &events[1..] {
            reports.observe(std::slice::from_ref(event)).unwrap();
        }
        reports.flush().unwrap();
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
            reports.observe(std::slice::from_ref(event)).unwrap();
        }
        reports.flush().unwrap();
        assert!(writes.load(Ordering::Relaxed) < 100, "{writes:?}");
        assert_eq!(std::fs::read_to_string(dir.path().join("count.txt")).unwrap(), "0/500");
    }

    #[test]
    fn a_failure_reaches_the_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut reports = start(dir.path(), Box::new(|_, _| Err("no".into())));
        let error = reports.flush().unwrap_err();
        assert!(error.to_string().contains("count.txt"), "{error}");
    }
}
