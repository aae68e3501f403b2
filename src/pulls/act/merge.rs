//! When a pull request is merged: only under all of these conditions, by one reading.

use std::time::Duration;

use jiff::Timestamp;

use super::{Case, Decision, Left, Step, length};
use crate::github::{Fact, MergeMethod, MergeState, Mergeable, PullRequest};
use crate::outcome::{Checks, PullAction, PullState, PullStatus, Stage};

/// How long after a message Jules is waited for before its head is merged as it is.
const MESSAGE: Duration = Duration::from_secs(30 * 60);

/// What is asked of a merge.
#[derive(Clone, Debug)]
pub(crate) struct MergeTerms {
    /// How long the same head has to be seen fit: from one answer to a later request, between which it surely was.
    pub(crate) settle: Duration,
    /// The label that keeps us away.
    pub(crate) hold_label: String,
    /// Whether no check is as good as checks that have passed.
    pub(crate) takes_unchecked: bool,
    /// Whether somebody who may write must have approved this very head.
    pub(crate) wants_approval: bool,
    /// How; else what the repository allows, squash first.
    pub(crate) method: Option<MergeMethod>,
}

/// The first of the readings in a row that showed one head with checks that have passed, or with none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) head: String,
    pub(crate) at: Timestamp,
    /// Whether it had no check then: once one has come, more may be on their way, and the time begins anew.
    pub(crate) unchecked: bool,
}

impl Seen {
    /// After another reading: none where it did not show such a head.
    pub(crate) fn after(earlier: Option<Self>, status: &PullStatus, takes_unchecked: bool) -> Option<Self> {
        let unchecked = status.checks.is_none() && matches!(status.stage, Stage::Unchecked | Stage::Ready);
        let is_green = status.checks == Some(Checks::Success) || (takes_unchecked && unchecked);
        let head = status.head.clone().filter(|_| is_green && status.state == PullState::Open)?;
        let now = Self { head, at: status.checked_at, unchecked: status.checks.is_none() };
        let is_same = |earlier: &Self| {
            earlier.head == now.head && earlier.unchecked == now.unchecked && earlier.at <= now.at
        };
        Some(earlier.filter(is_same).unwrap_or(now))
    }
}

/// Whether it is merged now, and how. `seen` is of the readings up to this one.
pub(crate) fn merge(case: &Case<'_>, terms: &MergeTerms, seen: Option<&Seen>, queue: bool) -> Decision {
    let status = case.status;
    match status.stage {
        Stage::Merged | Stage::Queued => return Decision::AlreadySo,
        Stage::Closed => return Decision::Leave(Left::at(status)),
        _ => {}
    }
    checked(case, terms, seen, queue).map_or_else(|decision| decision, Decision::Do)
}

fn checked(case: &Case<'_>, terms: &MergeTerms, seen: Option<&Seen>, queue: bool) -> Result<Step, Decision> {
    let status = case.status;
    let reading = case.common()?;
    if status.stage == Stage::Checking {
        return Err(Decision::Read);
    }
    if status.stage != Stage::Ready || !is_fit(reading, status, terms) {
        return Err(Decision::Leave(Left::at(status)));
    }
    Case::may_write(reading)?;
    waits_for_jules(case)?;
    by_details(case, reading, terms)?;
    let until = seen
        .filter(|seen| seen.head == reading.head)
        .and_then(|seen| seen.at.checked_add(length(terms.settle)).ok())
        .ok_or(Decision::Read)?;
    if until > case.asked_at {
        return Err(Decision::Wait(until));
    }
    // However short that is: the reading that is decided by is another than the first.
    if seen.is_some_and(|seen| seen.at >= status.checked_at) {
        return Err(Decision::Read);
    }
    if queue || reading.is_merge_queue_enabled {
        return Ok(Step::Enqueue);
    }
    method(reading, terms.method).map(Step::Merge)
}

/// What `ready` means, asked once more of the reading itself.
fn is_fit(reading: &PullRequest, status: &PullStatus, terms: &MergeTerms) -> bool {
    let checks = match &reading.checks {
        Fact::Some(checks) => *checks == Checks::Success,
        Fact::None => terms.takes_unchecked,
        Fact::Unread(_) => false,
    };
    checks
        && status.touched_by.is_none()
        && !reading.is_draft
        && !reading.repository.is_archived
        && reading.mergeable == Mergeable::Mergeable
        && matches!(reading.merge_state, MergeState::Clean | MergeState::HasHooks)
}

/// After a message about this head, its answer is waited for.
fn waits_for_jules(case: &Case<'_>) -> Result<(), Decision> {
    let asked = case.records.writes().iter().rev().find(|write| {
        write.url == case.status.url && write.action == PullAction::Message && write.head == case.status.head
    });
    let is_new = asked.is_some_and(|write| case.now.duration_since(write.at) < length(MESSAGE));
    if is_new {
        let left = Left::because("working", "its session was sent a message about this head a moment ago");
        return Err(Decision::Leave(Left { may_come: true, ..left }));
    }
    Ok(())
}

fn by_details(case: &Case<'_>, reading: &PullRequest, terms: &MergeTerms) -> Result<(), Decision> {
    let details = case.details.filter(|details| details.head == reading.head).ok_or(Decision::Read)?;
    let hold = &terms.hold_label;
    match &details.labels {
        Fact::Some(labels) if labels.iter().any(|label| label.eq_ignore_ascii_case(hold)) => {
            let left = Left::because("touched or on hold", format!("it has the label `{hold}`"));
            return Err(Decision::Leave(left));
        }
        Fact::Unread(why) => {
            let left = Left::because("unknown", format!("its labels cannot be read: {why}"));
            return Err(Decision::Leave(Left { is_barred: true, ..left }));
        }
        Fact::Some(_) | Fact::None => {}
    }
    if terms.wants_approval && !details.is_approved() {
        let left = Left::because("not approved", "nobody who may write has approved this head");
        return Err(Decision::Leave(left));
    }
    Ok(())
}

fn method(reading: &PullRequest, wanted: Option<MergeMethod>) -> Result<MergeMethod, Decision> {
    let repository = &reading.repository;
    let allowed = [
        (repository.squash_merge_allowed, MergeMethod::Squash),
        (repository.merge_commit_allowed, MergeMethod::Merge),
        (repository.rebase_merge_allowed, MergeMethod::Rebase),
    ];
    let fits = |(is_allowed, method): &&(bool, MergeMethod)| {
        *is_allowed && wanted.is_none_or(|wanted| wanted == *method)
    };
    allowed.iter().find(fits).map(|(_, method)| *method).ok_or_else(|| {
        Decision::Leave(Left::because("not allowed", "its repository does not allow this way to merge"))
    })
}
