//! What a program has left behind.

use std::fmt;

use jules_batch::outcome::Outcome;
use jules_batch::report::{ReportV1, TaskV1, from_json};

use super::World;
use super::pipe::tail;

/// A program that has ended, and its reports.
pub(crate) struct Ended<'w> {
    world: &'w World,
    /// None when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl<'w> Ended<'w> {
    pub(super) fn new(world: &'w World, code: Option<i32>, stdout: String, stderr: String) -> Self {
        Self { world, code, stdout, stderr }
    }

    /// `report.json`.
    #[track_caller]
    pub(crate) fn report(&self) -> ReportV1 {
        from_json(&self.world.read("jules-report/report.json")).unwrap()
    }

    /// `junit.xml`, read by the library that others read such files with.
    #[track_caller]
    pub(crate) fn junit(&self) -> quick_junit::Report {
        let xml = self.world.read("jules-report/junit.xml");
        quick_junit::Report::deserialize_from_str(&xml).unwrap()
    }

    /// A case of `junit.xml`.
    #[track_caller]
    pub(crate) fn case(&self, task: &str) -> quick_junit::TestCase {
        let cases = self.junit().test_suites.into_iter().flat_map(|suite| suite.test_cases);
        let mut named = cases.filter(|case| case.name.as_str() == task);
        let case = named.next().unwrap_or_else(|| panic!("no case `{task}`: {self}"));
        assert!(named.next().is_none(), "two cases `{task}`");
        case
    }

    /// A task of `report.json`, by its id or by its job's when that has one task.
    #[track_caller]
    pub(crate) fn task(&self, id: &str) -> TaskV1 {
        let report = self.report();
        let mut found = report.tasks.into_iter().filter(|task| task.id == id || task.job == id);
        let task = found.next().unwrap_or_else(|| panic!("no task `{id}`: {self}"));
        assert!(found.next().is_none(), "several tasks are `{id}`");
        task
    }

    /// What became of a task, and why.
    #[track_caller]
    pub(crate) fn outcome(&self, id: &str) -> (Outcome, String) {
        let task = self.task(id);
        (task.outcome, task.reason.unwrap_or_default())
    }

    /// How many tasks ended so.
    #[track_caller]
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.report().totals.of(outcome)
    }

    /// Every session that the report knows, in the order of the tasks.
    #[track_caller]
    pub(crate) fn sessions(&self) -> Vec<String> {
        let attempts = self.report().tasks.into_iter().flat_map(|task| task.attempts);
        attempts.filter_map(|attempt| Some(attempt.session?.id)).collect()
    }
}

impl fmt::Display for Ended<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, stdout, stderr, .. } = self;
        let code = code.map_or_else(|| "by a signal".to_owned(), |code| format!("with {code}"));
        write!(f, "ended {code}\n--- stdout\n{}\n--- stderr\n{}", tail(stdout), tail(stderr))
    }
}
