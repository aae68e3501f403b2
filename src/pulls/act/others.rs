//! When a pull request is closed, when its session is sent a message, and when its branch is brought up to date.

use super::{Case, Decision, Left, Step};
use crate::outcome::{PullState, Stage};

/// Whether it is closed now.
pub(crate) fn close(case: &Case<'_>) -> Decision {
    match case.status.state {
        PullState::Closed => Decision::AlreadySo,
        PullState::Merged => Decision::Leave(Left::at(case.status)),
        PullState::Open | PullState::Unknown => case
            .common()
            .and_then(Case::may_write)
            .map_or_else(|decision| decision, |()| Decision::Do(Step::Close)),
    }
}

/// Whether its session is sent a message now: once for a head, and never when it is merged or somebody else has pushed.
pub(crate) fn message(case: &Case<'_>, has_session: bool) -> Decision {
    let status = case.status;
    if status.state.is_over() {
        return Decision::Leave(Left::at(status));
    }
    let reading = match case.common() {
        Ok(reading) => reading,
        Err(decision) => return decision,
    };
    if !has_session {
        return Decision::Leave(Left::because("no session", "nobody knows the session that made it"));
    }
    if matches!(status.stage, Stage::Working | Stage::Queued) {
        return Decision::Leave(Left::at(status));
    }
    if case.records.has_message_for(&reading.head) {
        let reason = "its session has been sent a message about this head, or may have been";
        return Decision::Leave(Left::because("messaged", reason));
    }
    Decision::Do(Step::Message)
}

/// Whether its base is merged into its branch now. `others` are the stages of the other open pull requests of its
/// repository: one at a time gets there.
pub(crate) fn update(case: &Case<'_>, others: impl IntoIterator<Item = Stage>) -> Decision {
    let status = case.status;
    let reading = match case.common() {
        Ok(reading) => reading,
        Err(decision) => return decision,
    };
    if status.stage == Stage::Checking {
        return Decision::Read;
    }
    if status.stage != Stage::Behind {
        let label = if status.stage == Stage::Ready { "up to date" } else { status.stage.label() };
        return Decision::Leave(Left { label: label.to_owned(), may_come: false, ..Left::at(status) });
    }
    let is_on_its_way = |stage: Stage| {
        matches!(
            stage,
            Stage::Working | Stage::Queued | Stage::ChecksPending | Stage::Checking | Stage::Ready
        )
    };
    if others.into_iter().any(is_on_its_way) {
        let left = Left::because("behind", "another of its repository is on its way: one at a time");
        return Decision::Leave(Left { may_come: true, ..left });
    }
    Case::may_write(reading).map_or_else(|decision| decision, |()| Decision::Do(Step::Update))
}
