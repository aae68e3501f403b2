//! The pull requests that a ledger knows, over all runs, each with what its run knows of the task that made it.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::records::Records;
use super::{FollowedPull, PullRead};
use crate::ledger::{LedgerError, LedgerPull, LedgerReader, ManifestIdentity, WhichPulls};
use crate::outcome::{PlannedTask, PullRecords, PullStatus, PullWrite, RunId, TaskRecord};
use crate::plan::TaskId;
use crate::pulls::Selectable;

/// A pull request and its task.
#[derive(Clone, Debug)]
pub(crate) struct KnownPull {
    /// What is read of it.
    pub(crate) followed: FollowedPull,
    /// The task that made it.
    pub(crate) task: Arc<PlannedTask>,
    /// What its run knows of the task's pull requests, and what was done to them.
    pub(crate) records: Arc<PullRecords>,
    /// Its title, as the session told it.
    pub(crate) title: Option<String>,
    /// When the run learnt of it.
    pub(crate) made_at: Timestamp,
    /// The number of its repository's wave in that run, from 1; none where that has no waves.
    pub(crate) wave: Option<usize>,
}

impl KnownPull {
    /// Those of the manifest's runs, or of all that are not simulated.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn all(
        reader: &LedgerReader,
        manifest: Option<&ManifestIdentity>,
        which: WhichPulls,
    ) -> Result<Vec<Self>, LedgerError> {
        let pulls = reader.known_pulls(manifest, which)?;
        let records = Records::of_pulls(reader, &pulls)?;
        let mut tasks: HashMap<(RunId, TaskId), OfTask> = HashMap::new();
        let mut found = Vec::with_capacity(pulls.len());
        for pull in pulls {
            let Some(run) = pull.run.clone() else { continue };
            let Some(record) = records.task(&run, &pull.task) else { continue };
            let of_task = tasks.entry((run.clone(), pull.task.clone()));
            let of_task = of_task.or_insert_with(|| OfTask::new(&run, record, records.wave(&run, record)));
            found.push(of_task.pull(run, pull));
        }
        Ok(found)
    }

    /// How it stands, as far as it was read.
    pub(crate) fn status(&self) -> Option<&PullStatus> {
        self.followed.earlier.as_deref()
    }

    /// Whether it is open, or nobody knows.
    pub(crate) fn may_be_open(&self) -> bool {
        self.status().is_none_or(|status| !status.state.is_over())
    }

    /// What a selection is asked about.
    pub(crate) fn selectable(&self) -> Selectable<'_> {
        Selectable { task: &self.task, status: self.status(), made_at: self.made_at, wave: self.wave }
    }

    /// What was done to it in whatever run: a later one may have taken it over.
    pub(crate) fn knows(&mut self, writes: &[PullWrite]) {
        let own = writes.iter().filter(|write| write.url == self.followed.url);
        Arc::make_mut(&mut self.records).replace_writes(own.cloned().collect());
    }

    /// It stands so from now on. What told nothing leaves it as it was.
    pub(crate) fn take(&mut self, read: &PullRead) {
        if read.tells() || self.followed.earlier.is_none() {
            self.followed.earlier = Some(read.status.clone());
        }
    }
}

/// A task, read once for all of its pull requests.
struct OfTask {
    planned: Arc<PlannedTask>,
    records: Arc<PullRecords>,
    followed: Vec<FollowedPull>,
    titles: HashMap<String, String>,
    wave: Option<usize>,
}

impl OfTask {
    fn new(run: &RunId, record: &TaskRecord, wave: Option<usize>) -> Self {
        let made = record.attempts.iter().flat_map(|attempt| attempt.work.pull_requests());
        let titles = made.filter_map(|pull| Some((pull.url.clone(), pull.title.clone()?)));
        Self {
            planned: Arc::clone(&record.planned),
            records: Arc::new(record.pulls.clone()),
            followed: FollowedPull::of_task(run, record),
            titles: titles.collect(),
            wave,
        }
    }

    fn pull(&self, run: RunId, pull: LedgerPull) -> KnownPull {
        let known = self.followed.iter().find(|known| known.url == pull.url).cloned();
        // One that the task had before its prompt was edited has no place in its record.
        let followed = known.unwrap_or_else(|| FollowedPull {
            run,
            task: pull.task,
            source: self.planned.source.as_ref().map(|source| source.github.clone()),
            session: pull.session,
            is_session_live: false,
            earlier: self.records.of(&pull.url).map(|known| known.status.clone()),
            url: pull.url.clone(),
        });
        KnownPull {
            title: self.titles.get(&pull.url).cloned(),
            followed,
            task: Arc::clone(&self.planned),
            records: Arc::clone(&self.records),
            made_at: pull.made_at,
            wave: self.wave,
        }
    }
}
