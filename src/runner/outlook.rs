//! What a `run` would do, task by task.

use std::collections::HashSet;

use jiff::Timestamp;

use super::decision::{Because, Decision};
use super::existing::EarlierPull;
use crate::outcome::{PullState, RunId};
use crate::plan::TaskId;

/// What a `run` would do, by what the ledger says.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Outlook {
    /// What becomes of each selected task, in the order of the plan.
    pub tasks: Vec<(TaskId, Decision)>,
    /// Whether there is nothing to do at all.
    pub is_idle: bool,
    /// How many tasks are at work and start again, as their sessions are put away first.
    pub replaced: usize,
    /// How many sessions were given up earlier and are perhaps still at work: these are looked at, and archived.
    pub left_over: usize,
}

impl Outlook {
    /// How many tasks have ended well, and stay so.
    #[must_use]
    pub fn done(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Done { .. }))
    }

    /// Those of them whose prompt has been edited since.
    #[must_use]
    pub fn done_before_an_edit(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Done { edited: true, .. }))
    }

    /// How many have failed, and wait for `--failed`.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Failed { .. }))
    }

    /// How many a session is created for.
    #[must_use]
    pub fn to_start(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Start(_)))
    }

    /// How many cannot be run as they are written.
    #[must_use]
    pub fn impossible(&self) -> usize {
        self.count(|decision| *decision == Decision::Impossible)
    }

    /// No session is created for these, whatever the ledger says.
    pub(super) fn rule_out(&mut self, impossible: &HashSet<&TaskId>) {
        let ruled_out = self.tasks.iter_mut().filter(|(task, _)| impossible.contains(task));
        for (_, decision) in ruled_out.filter(|(_, decision)| matches!(decision, Decision::Start(_))) {
            *decision = Decision::Impossible;
        }
    }

    /// How many are at work, or in doubt.
    #[must_use]
    pub fn at_work(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::GoOn { .. } | Decision::Settle { .. }))
    }

    /// How many wait for what they need.
    #[must_use]
    pub fn needs(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Needs | Decision::Unmet { .. }))
    }

    /// How many end well with a pull request of an earlier run.
    #[must_use]
    pub fn adopted(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Adopt(_)))
    }

    /// How many wait for what has to become of pull requests first.
    #[must_use]
    pub fn held(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Held { .. }))
    }

    /// How many are in a wave that may not begin yet.
    #[must_use]
    pub fn in_later_waves(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::LaterWave { .. }))
    }

    /// How many are skipped because of one.
    #[must_use]
    pub fn skipped_for_pulls(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::SkipFor(_)))
    }

    /// How many are not to be done, by a person's word.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.count(|decision| *decision == Decision::Skipped)
    }

    /// How many a session is created for although they have a result.
    #[must_use]
    pub fn repeated(&self) -> usize {
        let again = self.count(|decision| {
            let has_none =
                |because: &Because| matches!(because, Because::New | Because::Open | Because::Needed);
            matches!(decision, Decision::Start(because) if !has_none(because))
        });
        again.saturating_sub(self.replaced)
    }

    /// Those of them that a word of the command line asks for, in spite of an end that counts.
    #[must_use]
    pub fn told_again(&self) -> usize {
        self.count(|decision| matches!(decision, Decision::Start(because) if because.is_told()))
    }

    /// Since when the last of what is done is, and the run in which it was done.
    #[must_use]
    pub fn done_since(&self) -> Option<(Timestamp, &RunId)> {
        let since = self.tasks.iter().filter_map(|(_, decision)| match decision {
            Decision::Done { since, run, .. } => Some((*since, run)),
            _ => None,
        });
        since.max_by_key(|(since, _)| *since)
    }

    /// In how many runs that was.
    #[must_use]
    pub fn done_in(&self) -> usize {
        let runs = self.tasks.iter().filter_map(|(_, decision)| match decision {
            Decision::Done { run, .. } => Some(run),
            _ => None,
        });
        runs.collect::<HashSet<_>>().len()
    }

    /// The tasks that a session is created for.
    pub(crate) fn starting(&self) -> impl Iterator<Item = &TaskId> {
        let starts = |decision: &Decision| matches!(decision, Decision::Start(_));
        self.tasks.iter().filter(move |(_, decision)| starts(decision)).map(|(task, _)| task)
    }

    /// Whether a task is skipped only because nobody can read its pull request.
    pub(super) fn is_held_by_unread(&self) -> bool {
        let is_unread = |pull: &EarlierPull| pull.state == PullState::Unknown;
        self.count(|decision| matches!(decision, Decision::SkipFor(pull) if is_unread(pull))) > 0
    }

    /// The tasks.
    pub(super) fn ids(&self) -> HashSet<&TaskId> {
        self.tasks.iter().map(|(task, _)| task).collect()
    }

    fn count(&self, is: impl Fn(&Decision) -> bool) -> usize {
        self.tasks.iter().filter(|(_, decision)| is(decision)).count()
    }
}
