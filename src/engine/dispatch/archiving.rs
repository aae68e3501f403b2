//! Sessions that are put into the archive: those that are given up now, and those that an earlier invocation gave up and
//! did not get to put away. Nothing waits for them but the end of the run, and that not for long.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use super::{Dispatch, Stage};
use crate::engine::action::Action;
use crate::engine::input::{FailureKind, Now, RequestFailure, Seen};
use crate::engine::left_over::LeftOver;
use crate::outcome::{EventKind, is_waiting};
use crate::plan::TaskId;
use jules::SessionId;

/// How long the end of a run waits for archives when nothing else is left to do. The next run goes on with the rest.
const AT_END: Duration = Duration::from_secs(30);

/// Of such a wait it is told after this.
const TOLD_AFTER: Duration = Duration::from_secs(3);

/// How many sessions that were left are looked at at once: other requests wait for their turn as well.
const AT_ONCE: usize = 4;

/// How many sessions a note names.
const MAX_NAMED: usize = 20;

/// What is to be archived, and what is waited for.
#[derive(Debug, Default)]
pub(super) struct Archiving {
    /// Asked for, and until when the answer is waited for.
    asked: HashMap<SessionId, Asked>,
    /// What earlier invocations left, still to be looked at.
    left: VecDeque<LeftOver>,
    looked_at: HashMap<SessionId, LeftOver>,
    /// Since when nothing else is left to do.
    alone_since: Option<Instant>,
    is_told: bool,
}

#[derive(Debug)]
struct Asked {
    until: Instant,
    task: TaskId,
    /// None where the attempt stands in another run.
    attempt: Option<u32>,
}

impl Archiving {
    pub(super) fn of(left: Vec<LeftOver>) -> Self {
        Self { left: left.into(), ..Self::default() }
    }

    fn is_empty(&self) -> bool {
        self.asked.is_empty() && self.looked_at.is_empty() && self.left.is_empty()
    }

    /// When time alone changes something.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        let until = self.asked.values().map(|asked| asked.until).min();
        let alone = self.alone_since.filter(|_| !self.is_empty());
        let alone = alone.map(|since| since + if self.is_told { AT_END } else { TOLD_AFTER });
        until.into_iter().chain(alone).min()
    }
}

impl Dispatch {
    /// Puts a session away, which pauses it.
    pub(super) fn archive(&mut self, session: &SessionId, task: TaskId, attempt: Option<u32>, now: Now) {
        let asked = Asked { until: now.instant + self.patience(), task, attempt };
        self.archiving.asked.insert(session.clone(), asked);
        self.turn.actions.push(Action::Archive { session: session.clone() });
    }

    pub(super) fn on_archived(&mut self, session: &SessionId, result: Result<(), RequestFailure>) {
        let Some(Asked { task, attempt, .. }) = self.archiving.asked.remove(session) else { return };
        self.turn.events.push(match (result, attempt) {
            (Ok(()), Some(attempt)) => EventKind::SessionArchived { task, attempt },
            (Ok(()), None) => {
                note(task, format!("session {session}, which an earlier run gave up, is archived"))
            }
            (Err(failure), _) => {
                note(task, format!("session {session} could not be archived: {}", failure.text))
            }
        });
    }

    /// Looks at the next sessions that were left, while the run does something else.
    pub(super) fn look_at_left(&mut self) {
        if matches!(self.stage, Stage::Leaving { .. } | Stage::Auditing | Stage::Done) {
            return;
        }
        while self.archiving.looked_at.len() < AT_ONCE
            && let Some(left) = self.archiving.left.pop_front()
        {
            let session = left.session.clone();
            self.archiving.looked_at.insert(session.clone(), left);
            self.turn.actions.push(Action::Look { session });
        }
    }

    /// How a session stands that was left: it is put away if it is live and nobody has answered it meanwhile. The blind
    /// archive would put away what has ended well.
    pub(super) fn on_looked(
        &mut self,
        session: &SessionId,
        result: Result<Box<Seen>, RequestFailure>,
        now: Now,
    ) {
        let Some(left) = self.archiving.looked_at.remove(session) else { return };
        let LeftOver { task, attempt, state, .. } = left;
        let is_answered =
            |seen: &Seen| state.as_deref().is_some_and(is_waiting) && !is_waiting(seen.state.as_str());
        let told = |what: &str| format!("session {session} was given up, and {what}");
        match result {
            Ok(seen) if seen.state.is_terminal() => {
                let what = format!("has ended since: {}", seen.state.as_str());
                self.turn.events.push(note(task, told(&what)));
            }
            Ok(seen) if seen.archived => {
                self.turn.events.extend(attempt.map(|attempt| EventKind::SessionArchived { task, attempt }));
            }
            Ok(seen) if is_answered(&seen) => {
                let what = format!("was answered since: it is {}, and left as it is", seen.state.as_str());
                self.turn.events.push(note(task, told(&what)));
            }
            Ok(_) => self.archive(session, task, attempt, now),
            // It was deleted.
            Err(failure) if failure.kind == FailureKind::Missing => {}
            Err(failure) => {
                let what = format!("may still be at work; it could not be looked at: {}", failure.text);
                self.turn.events.push(note(task, told(&what)));
            }
        }
    }

    /// Whether the end of the run has to wait for archives. `is_alone`: there is nothing else to do.
    pub(super) fn see_to_archiving(&mut self, is_alone: bool, now: Now) -> bool {
        if self.archiving.is_empty() || !is_alone {
            self.archiving.alone_since = None;
            return !self.archiving.is_empty();
        }
        let since = *self.archiving.alone_since.get_or_insert(now.instant);
        if now.instant >= since + AT_END {
            self.stop_archiving();
            return false;
        }
        if now.instant >= since + TOLD_AFTER && !std::mem::replace(&mut self.archiving.is_told, true) {
            let count =
                self.archiving.asked.len() + self.archiving.looked_at.len() + self.archiving.left.len();
            let note = format!(
                "waiting for the archive to take {}, for {} s at most",
                given_up(count),
                AT_END.as_secs()
            );
            self.turn.events.push(EventKind::Noted { task: None, note });
        }
        true
    }

    /// What had no answer for too long is not waited for.
    pub(super) fn drop_late_archives(&mut self, now: Now) {
        let late = self.archiving.asked.extract_if(|_, asked| now.instant >= asked.until);
        let late = late.map(|(session, _)| session).collect();
        self.leave_to_next_run(late);
    }

    /// Nobody waits for archives any longer.
    pub(super) fn stop_archiving(&mut self) {
        let Archiving { asked, left, looked_at, .. } = std::mem::take(&mut self.archiving);
        let asked = asked.into_keys().chain(looked_at.into_keys());
        self.leave_to_next_run(asked.chain(left.into_iter().map(|left| left.session)).collect());
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

fn given_up(count: usize) -> String {
    match count {
        1 => "1 session that was given up".to_owned(),
        n => format!("{n} sessions that were given up"),
    }
}

fn note(task: TaskId, note: String) -> EventKind {
    EventKind::Noted { task: Some(task), note }
}
