//! Reads the ledgers, on a thread of its own, for as many browsers as there are: one question at a time.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};

use crate::cli::pulls::Standing;
use crate::cli::recorded;
use crate::ledger::{LedgerError, LedgerReader, Location, RunOverview};
use crate::outcome::{RunId, Stage};
use crate::report::{JunitProfile, ReportV1};
use crate::runner::{Diffs, Format};

/// How often it is looked whether something has happened, while somebody follows.
const LOOK: Duration = Duration::from_secs(1);

/// Why there is no answer: the ledger cannot be read now, in words.
#[derive(Clone, Debug)]
pub(super) struct Unreadable(pub(super) String);

impl Unreadable {
    fn because(error: &LedgerError) -> Self {
        Self(error.to_string())
    }
}

/// How far each run is: the number of its last event. A word on a run that is over counts as well, which changes none of its
/// times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes(BTreeMap<RunId, u64>);

impl Changes {
    fn read(readers: &[LedgerReader]) -> Result<Self, Unreadable> {
        let mut all = BTreeMap::new();
        for reader in readers {
            all.extend(reader.last_events().map_err(|error| Unreadable::because(&error))?);
        }
        Ok(Self(all))
    }

    /// How far a run is; none if there is no such run.
    pub(super) fn of(&self, run: &RunId) -> Option<u64> {
        self.0.get(run).copied()
    }

    /// How far all of them are together: another number whenever one goes on, or is no longer there.
    pub(super) fn of_all(&self) -> u64 {
        self.0.values().sum()
    }
}

type Job = Box<dyn FnOnce(Result<Vec<LedgerReader>, Unreadable>) + Send>;

/// The ledger of real runs, if there is one.
pub(super) fn real<'r>(readers: &'r [LedgerReader], location: &Location) -> Option<&'r LedgerReader> {
    let simulated = location.simulated();
    readers.iter().find(|reader| *reader.location() != simulated)
}

/// Where questions are asked.
pub(super) struct Library {
    location: Location,
    jobs: Sender<Job>,
    changes: watch::Sender<Option<Changes>>,
}

impl Library {
    /// Starts the thread. `had_real`: a ledger of real runs was there when the program began.
    pub(super) fn open(location: Location, mut had_real: bool) -> Self {
        let (jobs, inbox) = channel::<Job>();
        let own = location.clone();
        std::thread::spawn(move || {
            for job in inbox {
                // A file may be replaced, and a database go away and come back.
                let readers = recorded::all(&location).map_err(|failure| Unreadable(failure.headline()));
                let has_real = readers.as_ref().is_ok_and(|readers| real(readers, &location).is_some());
                // That of simulated runs does not stand for it.
                let is_gone = readers.is_ok() && had_real && !has_real;
                had_real |= has_real;
                let gone = || Err(Unreadable(format!("{location} has no ledger of real runs any more")));
                job(if is_gone { gone() } else { readers });
            }
        });
        Self { location: own, jobs, changes: watch::Sender::new(None) }
    }

    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&[LedgerReader]) -> Result<T, Unreadable> + Send + 'static,
    ) -> Result<T, Unreadable> {
        let gone = || Unreadable("the ledger is not read any more".to_owned());
        let (reply, answer) = oneshot::channel();
        let job = move |readers: Result<Vec<LedgerReader>, Unreadable>| {
            // A browser that has gone away waits for nothing.
            let _ = reply.send(readers.and_then(|readers| question(&readers)));
        };
        self.jobs.send(Box::new(job)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// All runs, the last one first, and how far they are at least.
    pub(super) async fn runs(&self) -> Result<(Vec<RunOverview>, u64), Unreadable> {
        self.ask(|readers| {
            // Before they are read: what happens meanwhile is news.
            let at = Changes::read(readers)?.of_all();
            let mut runs = Vec::new();
            for reader in readers {
                runs.extend(reader.runs().map_err(|error| Unreadable::because(&error))?);
            }
            runs.sort_by_key(|run| std::cmp::Reverse(run.updated_at));
            Ok((runs, at))
        })
        .await
    }

    /// The run in which something happened last, be it a person's word after its end; none if there is no run.
    pub(super) async fn current(&self) -> Result<Option<RunId>, Unreadable> {
        self.ask(|readers| {
            let mut last: Option<(Timestamp, RunId)> = None;
            for reader in readers {
                let marks = reader.last_marks().map_err(|error| Unreadable::because(&error))?;
                for run in reader.runs().map_err(|error| Unreadable::because(&error))? {
                    let at = marks.get(&run.id).copied().max(Some(run.updated_at)).unwrap_or(run.updated_at);
                    if last.as_ref().is_none_or(|(latest, _)| *latest < at) {
                        last = Some((at, run.id));
                    }
                }
            }
            Ok(last.map(|(_, run)| run))
        })
        .await
    }

    /// The page of a run, and how far it is at least; none if there is no such run.
    pub(super) async fn page(&self, run: RunId) -> Result<Option<(String, u64)>, Unreadable> {
        self.ask(move |readers| {
            let Some(at) = Changes::read(readers)?.of(&run) else { return Ok(None) };
            for reader in readers {
                let stored = reader.run(&run).map_err(|error| Unreadable::because(&error))?;
                let Some(stored) = stored else { continue };
                let diffs = Diffs::of(reader.location().clone(), run);
                let page =
                    Format::Html.render_with(&ReportV1::of(&stored.record), JunitProfile::default(), &diffs);
                return page.map(|page| Some((page, at))).map_err(|error| Unreadable(error.to_string()));
            }
            Ok(None)
        })
        .await
    }

    /// How the pull requests of all runs stand that are not simulated, those at this stage alone where one is named, and how
    /// far the runs are at least. GitHub is not asked.
    pub(super) async fn pulls(&self, stage: Option<Stage>) -> Result<(Standing, u64), Unreadable> {
        let location = self.location.clone();
        self.ask(move |readers| {
            let at = Changes::read(readers)?.of_all();
            let Some(real) = real(readers, &location) else { return Ok((Standing::default(), at)) };
            let standing = Standing::of_all(real, stage).map_err(|error| Unreadable::because(&error))?;
            Ok((standing, at))
        })
        .await
    }

    /// Told when something has happened in a run; none as long as that was not looked for.
    pub(super) fn changes(&self) -> watch::Receiver<Option<Changes>> {
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
            let now = match self.changes.receiver_count() {
                // What was seen by then says nothing to who comes later.
                0 => None,
                _ => match self.ask(Changes::read).await {
                    Ok(now) => Some(now),
                    // It may come back: no news.
                    Err(_) => continue,
                },
            };
            self.changes.send_if_modified(|known| {
                let is_news = *known != now;
                *known = now;
                is_news
            });
        }
    }
}
