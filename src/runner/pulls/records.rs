//! What runs know of some of their tasks.

use std::collections::{HashMap, HashSet};

use crate::ledger::{LedgerError, LedgerPull, LedgerReader};
use crate::outcome::{RunId, RunRecord, TaskRecord};
use crate::plan::TaskId;

/// Runs, each with those of its tasks alone that were asked for.
#[derive(Debug, Default)]
pub(super) struct Records(HashMap<RunId, RunRecord>);

impl Records {
    /// Of the tasks that have these pull requests. What is joined to no run is not listed.
    ///
    /// # Errors
    ///
    /// When the ledger cannot be read.
    pub(super) fn of_pulls<'p>(
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
    pub(super) fn read<'p>(
        reader: &LedgerReader,
        wanted: impl IntoIterator<Item = (&'p RunId, &'p TaskId)>,
    ) -> Result<Self, LedgerError> {
        let mut tasks: HashMap<&RunId, HashSet<TaskId>> = HashMap::new();
        for (run, task) in wanted {
            tasks.entry(run).or_default().insert(task.clone());
        }
        let mut records = HashMap::new();
        for (run, tasks) in tasks {
            records.extend(reader.tasks(run, &tasks)?.map(|record| (run.clone(), record)));
        }
        Ok(Self(records))
    }

    /// What the run knows of the task.
    pub(super) fn task(&self, run: &RunId, task: &TaskId) -> Option<&TaskRecord> {
        self.0.get(run)?.tasks.get(task)
    }
}
