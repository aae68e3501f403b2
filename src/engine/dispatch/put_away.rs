//! How sessions are put into the archive: now, or by the next invocation after a look.

use super::archiving::{Asked, Wait, given_up};
use super::{Dispatch, Stage};
use crate::engine::action::Action;
use crate::engine::input::{FailureKind, Now, RequestFailure, Seen};
use crate::outcome::EventKind;
use crate::plan::TaskId;
use jules::SessionId;

/// How many sessions a note names.
const MAX_NAMED: usize = 20;

impl Dispatch {
    /// Puts a session away, which pauses it.
    pub(super) fn archive(&mut self, session: &SessionId, task: TaskId, attempt: Option<u32>, now: Now) {
        if let Some(attempt) = attempt {
            self.turn.events.push(EventKind::SessionArchiving { task: task.clone(), attempt });
        }
        let asked = Asked::new(task, attempt, now.instant + self.patience());
        self.archiving.ask(session.clone(), asked);
        self.turn.actions.push(Action::Archive { session: session.clone() });
    }

    pub(super) fn on_archived(&mut self, session: &SessionId, result: Result<(), RequestFailure>, now: Now) {
        if result.is_err() && self.archiving.refused(session, now.instant) {
            return;
        }
        let Some(Asked { task, attempt, stray, .. }) = self.archiving.answered(session) else { return };
        if let (Ok(()), Some(stray)) = (&result, stray) {
            let what = format!(
                "session {session} is one too many, and archived: another process had created it, and heard of it when it had \
                 lost the run"
            );
            self.turn.events.extend([EventKind::StrayFound { stray }, note(task, what)]);
            return;
        }
        self.turn.events.push(match (result, attempt) {
            (Ok(()), Some(attempt)) => EventKind::SessionArchived { task, attempt },
            (Ok(()), None) => {
                note(task, format!("session {session}, which an earlier run gave up, is archived"))
            }
            (Err(failure), _) => {
                let why = failure.text;
                note(
                    task,
                    format!("session {session} could not be archived: {why}; the next run tries again"),
                )
            }
        });
    }

    /// Looks at the next sessions that were left, while the run does something else, and asks the archive again.
    pub(super) fn look_at_left(&mut self, now: Now) {
        if matches!(self.stage, Stage::Leaving { .. } | Stage::Auditing | Stage::Done) {
            return;
        }
        let looks = self.archiving.looks().into_iter().map(|session| Action::Look { session });
        self.turn.actions.extend(looks);
        let again = self.archiving.again(now.instant).into_iter().map(|session| Action::Archive { session });
        self.turn.actions.extend(again);
    }

    /// How a session stands that was left: it is put away if it is live and nobody has answered it meanwhile. The blind
    /// archive would put away what has ended well.
    pub(super) fn on_looked(
        &mut self,
        session: &SessionId,
        result: Result<Box<Seen>, RequestFailure>,
        now: Now,
    ) {
        let Some(left) = self.archiving.looked(session) else { return };
        let told = |what: &str| format!("session {session} was given up, and {what}");
        match result {
            Ok(seen) if seen.state.is_terminal() => {
                let what = format!("has ended since: {}", seen.state.as_str());
                self.turn.events.push(note(left.task, told(&what)));
            }
            Ok(seen) if seen.archived => {
                let (task, attempt) = (left.task, left.attempt);
                self.turn.events.extend(attempt.map(|attempt| EventKind::SessionArchived { task, attempt }));
            }
            Ok(seen) if left.given_up.is_answered(&seen) => {
                let what = format!("was answered since: it is {}, and left as it is", seen.state.as_str());
                self.turn.events.push(note(left.task, told(&what)));
            }
            Ok(_) => self.archive(session, left.task, left.attempt, now),
            // It was deleted.
            Err(failure) if failure.kind == FailureKind::Missing => {}
            Err(failure) => {
                let what = format!("may still be at work; it could not be looked at: {}", failure.text);
                self.turn.events.push(note(left.task, told(&what)));
            }
        }
    }

    /// Whether the end of the run has to wait for archives. `is_alone`: there is nothing else to do.
    pub(super) fn waits_for_archives(&mut self, is_alone: bool, now: Now) -> bool {
        match self.archiving.wait(is_alone, now.instant) {
            Wait::Nothing => return false,
            Wait::Longer => {}
            Wait::Told(note) => self.turn.events.push(EventKind::Noted { task: None, note }),
            Wait::Enough => {
                self.stop_archiving();
                return false;
            }
        }
        true
    }

    /// What had no answer for too long is not waited for.
    pub(super) fn drop_late_archives(&mut self, now: Now) {
        let late = self.archiving.late(now.instant);
        self.leave_to_next_run(late);
    }

    /// Nobody waits for archives any longer.
    pub(super) fn stop_archiving(&mut self) {
        let left = self.archiving.leave();
        self.leave_to_next_run(left);
    }

    /// These sessions may be at work, unseen.
    fn leave_to_next_run(&mut self, mut left: Vec<SessionId>) {
        if left.is_empty() {
            return;
        }
        left.sort_unstable();
        let named: Vec<&str> = left.iter().take(MAX_NAMED).map(SessionId::as_str).collect();
        let more = if left.len() > MAX_NAMED { " …" } else { "" };
        let note = format!(
            "{} may still be at work, and open pull requests: that the archive has taken them is not known. \
             The next run looks at them again, or put them away: jules-batch session archive {}{more}",
            given_up(left.len()),
            named.join(" ")
        );
        self.turn.events.push(EventKind::Noted { task: None, note });
    }
}

fn note(task: TaskId, note: String) -> EventKind {
    EventKind::Noted { task: Some(task), note }
}
