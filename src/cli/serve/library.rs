//! Reads the ledgers, on a thread of its own, for as many browsers as there are: one question at a time.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::cli::recorded;
use crate::ledger::{LedgerReader, Location, RunOverview};
use crate::outcome::RunId;
use crate::report::{self, ReportV1};

/// How often it is looked whether something has happened, while somebody follows.
const LOOK: Duration = Duration::from_secs(1);

/// When something last happened in each run.
pub(super) type Changes = BTreeMap<RunId, Timestamp>;

type Job = Box<dyn FnOnce(&[LedgerReader]) + Send>;

/// Where questions are asked.
pub(super) struct Library {
    jobs: Sender<Job>,
    changes: watch::Sender<Changes>,
}

impl Library {
    /// Starts the thread.
    pub(super) fn open(location: Location) -> Self {
        let (jobs, inbox) = channel::<Job>();
        std::thread::spawn(move || {
            for job in inbox {
                // A file may be replaced, and a database go away and come back.
                let readers = recorded::all(&location).unwrap_or_default();
                job(&readers);
            }
        });
        Self { jobs, changes: watch::Sender::new(Changes::new()) }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&[LedgerReader]) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        let job = move |readers: &[LedgerReader]| {
            // A browser that has gone away waits for nothing.
            let _ = reply.send(question(readers));
        };
        self.jobs.send(Box::new(job)).ok()?;
        answer.await.ok()
    }

    /// All runs, the last one first.
    pub(super) async fn runs(&self) -> Vec<RunOverview> {
        let of = |readers: &[LedgerReader]| {
            let mut runs: Vec<_> = readers.iter().filter_map(|reader| reader.runs().ok()).flatten().collect();
            runs.sort_by_key(|run| std::cmp::Reverse(run.updated_at));
            runs
        };
        self.ask(of).await.unwrap_or_default()
    }

    /// The page of a run, and how far it is at least; none if there is no such run.
    pub(super) async fn page(&self, run: RunId) -> Option<(String, Timestamp)> {
        let of = move |readers: &[LedgerReader]| {
            readers.iter().find_map(|reader| {
                // Before the page is made: what happens meanwhile is news.
                let overview = reader.runs().ok()?.into_iter().find(|known| known.id == run)?;
                let stored = reader.run(&run).ok().flatten()?;
                Some((report::html(&ReportV1::of(&stored.record)).ok()?, overview.updated_at))
            })
        };
        self.ask(of).await.flatten()
    }

    /// Told when something has happened in a run.
    pub(super) fn changes(&self) -> watch::Receiver<Changes> {
        self.changes.subscribe()
    }

    /// How many are told.
    pub(super) fn followers(&self) -> usize {
        self.changes.receiver_count()
    }

    /// Looks for changes, for as long as somebody wants to be told.
    pub(super) async fn watch(&self) {
        loop {
            tokio::time::sleep(LOOK).await;
            if self.changes.receiver_count() == 0 {
                continue;
            }
            let now: Changes = self.runs().await.into_iter().map(|run| (run.id, run.updated_at)).collect();
            self.changes.send_if_modified(|known| {
                let is_news = *known != now;
                *known = now;
                is_news
            });
        }
    }
}
