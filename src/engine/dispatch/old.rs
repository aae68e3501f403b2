//! Sessions of earlier invocations' attempts: read again before there is another attempt beside them.

use super::Dispatch;
use super::tasks::State;
use crate::api::{SessionId, SessionState};
use crate::engine::action::{Action, TaskIx};
use crate::engine::driver::{End, Spent};
use crate::engine::input::{FailureKind, Now, RequestFailure, Seen};
use crate::engine::judge::judge;
use crate::outcome::{AttemptRecord, Outcome};

/// A session whose attempt had ended badly.
#[derive(Clone, Debug)]
pub(super) struct OldSession {
    pub(super) id: SessionId,
    /// It was seen to end, and judged.
    pub(super) ended: bool,
}

impl OldSession {
    /// The session of an attempt that was given up, or has ended badly.
    pub(super) fn of(attempt: &AttemptRecord) -> Option<Self> {
        let ended = attempt.state.as_deref().is_some_and(|state| SessionState::from(state).is_terminal());
        attempt.session.as_ref().map(|session| Self { id: session.id.clone(), ended })
    }
}

impl Dispatch {
    /// Reads the session of an earlier invocation's attempt again. It takes a slot, for it may be at work.
    pub(super) fn recheck(&mut self, ix: TaskIx, old: OldSession) {
        self.turn.actions.push(Action::Recheck { task: ix, session: old.id.clone() });
        self.tasks.put(ix, State::Rechecking(old));
    }

    /// A session that ended badly in an earlier invocation was read again: it may have succeeded since, or
    /// still be at work. Only when neither is so the task starts anew; not knowing is not a reason to.
    pub(super) fn on_rechecked(&mut self, ix: TaskIx, result: Result<Box<Seen>, RequestFailure>, now: Now) {
        self.lost_key_of(result.as_ref().err(), now);
        let State::Rechecking(OldSession { ended, .. }) = *self.tasks.state(ix) else { return };
        match result {
            Ok(seen) if !seen.state.is_terminal() || (seen.state == SessionState::Completed && !ended) => {
                self.take_up_again(ix, &seen, now);
            }
            Ok(seen)
                if seen.state == SessionState::Completed
                    && judge(self.plan[ix].expect, &seen.work).0 == Outcome::Succeeded =>
            {
                if self.tasks[ix].attempts == 0 {
                    return self.take_up_again(ix, &seen, now);
                }
                let end = End { work: seen.work, lasting: true, ..End::new(Outcome::Succeeded, None) };
                self.end_attempt(ix, end, now);
            }
            Ok(_) => self.start_over(ix),
            Err(failure) if failure.kind == FailureKind::Missing => self.start_over(ix),
            Err(failure) => {
                self.release_slot(ix);
                let reason =
                    format!("not tried again yet: its session could not be looked at: {}", failure.text);
                self.end_task(ix, Outcome::Deferred, Some(reason), now);
            }
        }
    }

    /// The attempt had been given up, but its session is at work, or has completed since.
    fn take_up_again(&mut self, ix: TaskIx, seen: &Seen, now: Now) {
        // An attempt of an earlier run becomes one of this run, which has none yet.
        let is_earlier = self.tasks[ix].attempts == 0;
        if is_earlier {
            let attempt = self.tasks.begin(ix, now);
            let marker = seen.marker().unwrap_or_else(|| self.marker(attempt));
            self.record_intent(attempt, marker);
        }
        self.tasks[ix].begun = Some(now);
        self.record_session(ix, seen, is_earlier);
        self.follow(ix, &seen.id, false, Spent::default(), now);
        self.drive(self.tasks.last_attempt(ix), now, |driver| driver.on_seen(seen, now));
        self.leave_if_nobody_waits(ix, now);
    }
}
