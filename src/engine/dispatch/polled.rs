//! What polls show of sessions.

use tokio::time::Instant;

use super::Dispatch;
use crate::engine::input::{FailureKind, Now, Polled, Seen};
use crate::engine::judge::gone_after;
use crate::engine::poller::Liveness;
use jules::SessionState;

impl Dispatch {
    pub(super) fn on_polled(&mut self, polled: Polled, now: Now) {
        match polled {
            Polled::Page { place, lean, asked, took, result } => {
                let page = result.as_ref().map_err(|failure| &*failure.text);
                self.poller.on_page(place, page, took, now.instant);
                for (_, seen) in page.iter().flat_map(|page| &page.found) {
                    // What it has made may decide, and does not stand there.
                    if lean && (seen.state.is_terminal() || self.poller.is_read_alone(&seen.id)) {
                        self.poller.read_at(&seen.id, now.instant);
                    } else {
                        self.show(seen, asked, now);
                    }
                }
                let strangers = result.map(|page| page.strangers).unwrap_or_default();
                self.look_for_rivals(&strangers, now);
                self.poller.pass_over(strangers.into_iter().map(|seen| seen.id));
            }
            Polled::One { session, asked, took, result } => {
                self.poller.on_one(&session, took, now.instant);
                match result {
                    Ok(seen) => self.show(&seen, asked, now),
                    Err(failure) => {
                        let over = gone_after(&self.plan.settings);
                        let is_missing = failure.kind == FailureKind::Missing;
                        if is_missing && self.others.is_gone(&session, over, now.instant) {
                            self.is_ours(&session);
                        }
                        if let Some(attempt) = self.tasks.of_session(&session) {
                            self.drive(attempt, now, |driver| driver.on_failure(&failure, now));
                        }
                    }
                }
            }
        }
    }

    /// What it is for the sessions of others, if it is one.
    pub(super) fn see_other(&mut self, seen: &Seen) {
        if seen.is_over() {
            self.is_ours(&seen.id);
        } else {
            self.others.is_live(&seen.id);
        }
    }

    fn show(&mut self, seen: &Seen, asked: Instant, now: Now) {
        self.poller.note(&seen.id, liveness(&seen.state));
        self.check_title(seen);
        self.count_ours(seen);
        self.see_other(seen);
        if let Some(attempt) = self.tasks.of_session(&seen.id) {
            self.drive(attempt, now, |driver| driver.on_seen(seen, asked, now));
            self.leave_if_nobody_waits(attempt.task, now);
        }
    }
}

/// Whether a session in this state may end any time.
fn liveness(state: &SessionState) -> Liveness {
    match state {
        SessionState::Queued
        | SessionState::Paused
        | SessionState::AwaitingPlanApproval
        | SessionState::AwaitingUserFeedback => Liveness::Waiting,
        _ => Liveness::Working,
    }
}
