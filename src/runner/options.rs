//! How to run a manifest.

use std::time::Duration;

use super::{ReportFiles, RunError};
use crate::engine;
use crate::ledger::Location;
use crate::outcome::RunId;
use crate::plan::{Filter, Plan, Selection, Settings, Task};

/// How to run a manifest. What is given here wins over what the manifest says.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Which tasks; all by default.
    pub selection: Selection,
    /// Live sessions at once; the manifest's `strategy.max-parallel` by default.
    pub max_parallel: Option<usize>,
    /// Start at most this many sessions; the rest is deferred. The manifest's `strategy.max-tasks` by default.
    pub max_tasks: Option<usize>,
    /// Start nothing more after the first failed task, also if the manifest would.
    pub fail_fast: bool,
    /// The usual distance between two polls of a session; the manifest's `poll.interval` by default.
    pub poll_interval: Option<Duration>,
    /// How long an attempt at a task may take; the manifest's `timeouts.task` by default.
    pub task_timeout: Option<Duration>,
    /// Stop after this time, if the manifest's `timeouts.run` is not over before; live sessions are left to the next
    /// run.
    pub deadline: Option<Duration>,
    /// Follow sessions to their end (the default); otherwise they are started, recorded and detached.
    pub wait: bool,
    /// Only run again what ended badly when it was run last, whichever the run, and go on with what is open.
    pub failed: bool,
    /// The run of the CI workflow that this belongs to; another attempt at it runs again what failed in the one before, as
    /// with `failed`, where the ledger has that one.
    pub workflow_run: Option<String>,
    /// The scenario of a simulated run, for the record; none for the built-in one.
    pub scenario: Option<String>,
    /// Whether it is such another attempt.
    pub is_rerun: bool,
    /// Start a task although one that it needs is left out by the selection and has not ended well.
    pub ignore_needs: bool,
    /// Begin a round of all selected tasks, whatever they have come to.
    pub fresh: bool,
    /// Do these tasks once more, whatever they have come to.
    pub again: Vec<Filter>,
    /// The same, whatever became of their pull requests: a second one may come beside an open one.
    pub recreate: Vec<Filter>,
    /// Do tasks once more that have ended well before their prompt was edited.
    pub redo_edited: bool,
    /// Archive the live session of a task that is done once more; otherwise it is taken up.
    pub replace_live: bool,
    /// Let the next wave begin, whatever became of the one before; whose word that is.
    pub next_wave: Option<String>,
    /// Go on with this run in place of the manifest's last one.
    pub run: Option<RunId>,
    /// Somebody looks on: ask now and then what each live session has done last, only to tell it. Of one session at most
    /// every three minutes, with a quarter of `limits.activities-per-minute` for all of them, and not while the service
    /// does not answer or has asked for a pause. Off by default.
    pub show_activities: bool,
    /// Where runs are recorded; the folder `.jules-batch` by default.
    pub state: Location,
    /// Where reports go.
    pub reports: ReportFiles,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            selection: Selection::default(),
            max_parallel: None,
            max_tasks: None,
            fail_fast: false,
            poll_interval: None,
            task_timeout: None,
            deadline: None,
            wait: true,
            failed: false,
            workflow_run: None,
            scenario: None,
            is_rerun: false,
            ignore_needs: false,
            fresh: false,
            again: Vec::new(),
            recreate: Vec::new(),
            redo_edited: false,
            replace_live: false,
            next_wave: None,
            run: None,
            show_activities: false,
            state: Location::default(),
            reports: ReportFiles::default(),
        }
    }
}

impl Options {
    /// The manifest's settings with these options in their place.
    pub(super) fn over(&self, mut settings: Settings) -> Settings {
        let strategy = &mut settings.strategy;
        strategy.max_parallel = self.max_parallel.unwrap_or(strategy.max_parallel);
        strategy.max_tasks = self.max_tasks.or(strategy.max_tasks);
        strategy.fail_fast |= self.fail_fast;
        settings.poll.interval = self.poll_interval.unwrap_or(settings.poll.interval);
        settings.run_timeout = self.deadline.into_iter().chain(settings.run_timeout).min();
        settings
    }

    /// What the engine needs to know of them.
    pub(super) fn engine(&self) -> engine::Options {
        engine::Options {
            wait: self.wait,
            selected: self.selection.is_partial(),
            shard: self.selection.shard,
            workflow_run: self.workflow_run.clone(),
            show_activities: self.show_activities,
            seed: fastrand::u64(..),
            ..engine::Options::default()
        }
    }

    /// The selected tasks.
    ///
    /// # Errors
    ///
    /// None is selected, or `again` names none of them: whoever means a task does not want all others instead.
    pub(super) fn select(&self, plan: Plan) -> Result<Plan, RunError> {
        plan.check(&self.again)?;
        let plan = plan.select_some(&self.selection)?.ok_or(RunError::NothingSelected)?;
        let is_named = |task: &Task| self.again.iter().any(|filter| filter.matches(task));
        // Another shard may have it.
        let is_whole = self.selection.shard.is_none() && plan.unresolved.is_empty();
        if !self.again.is_empty() && is_whole && !plan.tasks.iter().any(is_named) {
            return Err(RunError::NothingAgain);
        }
        Ok(plan)
    }

    /// The same for what each task has of its own.
    pub(super) fn over_tasks(&self, plan: &mut Plan) {
        if let Some(timeout) = self.task_timeout {
            plan.tasks.iter_mut().for_each(|task| task.timeouts.task = timeout);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{LoadOptions, inline};
    use crate::plan::expand;

    #[test]
    fn options_win_over_the_manifest() {
        let options = Options {
            max_parallel: Some(7),
            max_tasks: Some(2),
            fail_fast: true,
            poll_interval: Some(Duration::from_secs(3)),
            ..Options::default()
        };
        let settings = options.over(Settings::default());
        let strategy = settings.strategy;
        assert_eq!((strategy.max_parallel, strategy.max_tasks, strategy.fail_fast), (7, Some(2), true));
        assert_eq!(settings.poll.interval, Duration::from_secs(3));
    }

    #[test]
    fn what_no_option_says_stays_as_the_manifest_has_it() {
        let timeout = Duration::from_secs(60);
        let settings = Settings { run_timeout: Some(timeout), ..Settings::default() };
        assert_eq!(Options::default().over(settings.clone()), settings);
    }

    #[test]
    fn a_deadline_only_shortens_and_a_task_timeout_holds_for_every_task() {
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let options =
            Options { deadline: Some(hours(5)), task_timeout: Some(hours(1)), ..Options::default() };
        assert_eq!(options.over(Settings::default()).run_timeout, Some(hours(5)));
        let shorter = Settings { run_timeout: Some(hours(3)), ..Settings::default() };
        assert_eq!(options.over(shorter).run_timeout, Some(hours(3)));
        let manifest = inline("x", &["o/r@main".into()], None, &LoadOptions::default()).unwrap();
        let mut plan = expand(&manifest, None).unwrap();
        options.over_tasks(&mut plan);
        assert!(plan.tasks.iter().all(|task| task.timeouts.task == hours(1)));
    }
}
