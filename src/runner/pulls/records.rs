//! What runs know of some of their tasks.

use std::collections::{HashMap, HashSet};

use crate::ledger::{LedgerError, LedgerPull, LedgerReader};
use crate::outcome::{RunId, RunRecord, TaskRecord};
use crate::plan::TaskId;

/// Runs, each with those of its tasks alone that were asked for.
#[derive(Debug, Default)]
pub(crate) struct Records(HashMap<RunId, OfRun>);

#[derive(Debug)]
struct OfRun {
    record: RunRecord,
    /// The places of the repositories' waves, from 0.
    waves: HashMap<String, usize>,
}

impl Records {
    /// Of the tasks that have these pull requests. What is joined to no run is not listed.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn of_pulls<'p>(
        reader: &LedgerReader,
        pulls: impl IntoIterator<Item = &'p LedgerPull>,
    ) -> Result<Self, LedgerError> {
        Self::read(reader, pulls.into_iter().filter_map(|pull| Some((pull.run.as_ref()?, &pull.task))))
    }

    /// Of these tasks of these runs. The events of each run are read once.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(crate) fn read<'p>(
        reader: &LedgerReader,
        wanted: impl IntoIterator<Item = (&'p RunId, &'p TaskId)>,
    ) -> Result<Self, LedgerError> {
        let mut tasks: HashMap<&RunId, HashSet<TaskId>> = HashMap::new();
        for (run, task) in wanted {
            tasks.entry(run).or_default().insert(task.clone());
        }
        let mut records = HashMap::new();
        for (run, tasks) in tasks {
            if let Some(record) = reader.tasks(run, &tasks)? {
                records.insert(run.clone(), OfRun { waves: record.waves.by_repository(), record });
            }
        }
        Ok(Self(records))
    }

    /// The wave of the run, from 1, that the repository of this task is in.
    pub(crate) fn wave(&self, run: &RunId, task: &TaskRecord) -> Option<usize> {
        let repository = task.planned.source.as_ref()?.github.to_ascii_lowercase();
        self.0.get(run)?.waves.get(&repository).map(|at| at + 1)
    }

    /// What the run knows of the task.
    pub(crate) fn task(&self, run: &RunId, task: &TaskId) -> Option<&TaskRecord> {
        self.0.get(run)?.record.tasks.get(task)
    }
}
