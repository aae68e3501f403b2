//! What a run leaves to a person, in the order in which the page tells it: failures, questions, pull requests.

use super::pulls::PullGroup;
use super::{PullRequestV1, ReportV1, TaskV1};
use crate::outcome::{Outcome, Stage, WaitsFor, is_waiting};

/// What needs a person.
pub(super) struct Attention<'a> {
    /// Tasks that failed, the worst first.
    pub(super) failed: Vec<&'a TaskV1>,
    /// Tasks whose agent has asked something, or waits for its plan's approval.
    pub(super) asked: Vec<&'a TaskV1>,
    /// Pull requests that a person has to look at, those to repair first, those that were not read last.
    pub(super) pulls: Vec<(&'a PullRequestV1, &'a TaskV1)>,
}

impl ReportV1 {
    /// `pulls` are its [`pull_groups`](Self::pull_groups).
    pub(super) fn attention<'a>(&'a self, pulls: &[PullGroup<'a>]) -> Attention<'a> {
        let mut failed: Vec<_> =
            self.tasks.iter().filter(|task| task.has_failed() && !has_asked(task)).collect();
        failed.sort_by_key(|task| std::cmp::Reverse(task.outcome));
        let pulls = pulls.iter().flat_map(|group| &group.pulls);
        Attention {
            failed,
            asked: self.tasks.iter().filter(|task| has_asked(task)).collect(),
            pulls: pulls.filter(|(pull, _)| needs_person(pull)).copied().collect(),
        }
    }
}

/// Whether its agent has asked something, or waits for its plan's approval.
pub(super) fn has_asked(task: &TaskV1) -> bool {
    task.outcome == Outcome::NeedsInput || waits_detached(task)
}

/// Whether it was left while its session waits for a person (`plan-approval: detach`, `user-feedback: detach`). One that is
/// at work may be answered by the run.
fn waits_detached(task: &TaskV1) -> bool {
    let state = task.session().and_then(|session| session.state.as_deref());
    task.outcome == Outcome::Detached && task.ended_at.is_some() && state.is_some_and(is_waiting)
}

/// One that is ready waits for somebody who merges it, and of one that was not read nothing else is known.
fn needs_person(pull: &PullRequestV1) -> bool {
    pull.stage.is_none_or(|stage| match stage.waits_for() {
        WaitsFor::Person | WaitsFor::Reviewer | WaitsFor::Token => true,
        WaitsFor::Us => stage == Stage::Ready,
        WaitsFor::Jules | WaitsFor::Checks | WaitsFor::Github | WaitsFor::Nobody => false,
    })
}
