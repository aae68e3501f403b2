//! The session of a task's last attempt: read again before there is another attempt beside it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::Dispatch;
use super::tasks::State;
use crate::engine::action::{Action, Purpose, TaskIx};
use crate::engine::driver::{Driver, End, Spent};
use crate::engine::input::{Digest, FailureKind, Now, RequestFailure, Seen};
use crate::engine::judge::{
    PATIENCE, asked, gone_after, is_fresh, is_met, is_met_by_failed, judge, own_turn,
};
use crate::engine::left_over::GivenUp;
use crate::engine::refusals::Refusals;
use crate::outcome::{AttemptRecord, EventKind, Outcome, TaskRecord};
use crate::plan::GiveUp;
use jules::{Options, SessionId, SessionState};

/// How often a session is looked at that cannot be, is not there, or is not put away.
const MAX_LOOKS: u32 = 3;

/// A session whose attempt had ended badly.
#[derive(Clone, Debug)]
pub(super) struct OldSession {
    id: SessionId,
    /// It was seen to end, and judged.
    ended: bool,
    /// An earlier invocation gave it up, and it was neither seen to end nor put away.
    given_up: Option<GivenUp>,
    /// The archive was asked to take it, and its answer is not on record.
    is_archiving: bool,
    pub(super) wanted: Wanted,
    /// When the look was asked for that showed it ended, put away or gone.
    pub(super) over_at: Option<Instant>,
    /// Looks in a row that did not.
    looks: u32,
    /// Those that did not know it.
    absence: Refusals,
    /// The user's last message that was known when its attempt ended.
    heard: Option<Timestamp>,
    /// When its activities were read after that, and whether somebody has answered it so lately that it may wake.
    answer: Option<(Instant, bool)>,
}

/// What the look at the session before is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// It may have come to something since, or is at work: then there is no other.
    ItsEnd,
    /// There is to be another one, as soon as it is over; if it is at work it is taken up.
    Another,
    /// The same, but if it is at work it is archived.
    ItsPlace,
}

impl OldSession {
    pub(super) fn new(id: &SessionId, ended: bool, heard: Option<Timestamp>) -> Self {
        Self {
            id: id.clone(),
            ended,
            given_up: None,
            is_archiving: false,
            wanted: Wanted::ItsEnd,
            over_at: None,
            looks: 0,
            absence: Refusals::default(),
            heard,
            answer: None,
        }
    }

    pub(super) fn id(&self) -> &SessionId {
        &self.id
    }

    /// The session of an attempt that was given up, or is over.
    pub(super) fn of(attempt: &AttemptRecord, wanted: Wanted) -> Option<Self> {
        let session = attempt.session.as_ref()?;
        let given_up = GivenUp::of(attempt);
        let is_archiving = (attempt.archiving || given_up.is_some()) && !attempt.archived;
        Some(Self { wanted, given_up, is_archiving, ..Self::new(&session.id, attempt.has_ended(), None) })
    }
}

impl Dispatch {
    /// What an earlier run knows of a task that is run again because it failed there. What was taken up of it is an attempt
    /// of this one.
    pub(in crate::engine) fn run_again(&self, ix: TaskIx) -> Option<&TaskRecord> {
        let task = &self.plan[ix];
        let known = self.options.earlier.get(&task.id).filter(|_| self.options.rerun_failed);
        let is_taken_up = |last: &AttemptRecord| {
            let session = last.session.as_ref();
            last.is_at_work() || session.is_some_and(|session| self.run.sessions.contains(&session.id))
        };
        known.filter(|known| known.planned.key == task.key && !known.last_attempt().is_some_and(is_taken_up))
    }

    /// Whether the last look at the session before is too old for another attempt.
    pub(super) fn is_look_old(&self, ix: TaskIx, now: Now) -> bool {
        let over_at = self.tasks[ix].old.as_ref().and_then(|old| old.over_at);
        over_at.is_some_and(|asked| !is_fresh(asked, self.poller.interval(), now.instant))
    }

    /// Reads the session of the last attempt again. It takes a slot, for it may be at work.
    pub(super) fn recheck(&mut self, ix: TaskIx, now: Now) {
        let Some(old) = &self.tasks[ix].old else { return };
        let session = old.id.clone();
        self.is_ours(&session);
        self.turn.actions.push(Action::Recheck { task: ix, session });
        self.tasks.put(ix, State::Rechecking(now.instant + self.patience()));
    }

    /// The session of the last attempt was read again: it may have succeeded since, or still be at work. Only when neither
    /// is so the task starts again; not knowing is not a reason to.
    pub(super) fn on_rechecked(
        &mut self,
        ix: TaskIx,
        asked: Instant,
        result: Result<Box<Seen>, RequestFailure>,
        now: Now,
    ) {
        let State::Rechecking(_) = *self.tasks.state(ix) else { return };
        let Some(OldSession { ended, wanted, .. }) = self.tasks[ix].old else { return };
        let is_given_up = self.tasks[ix].owed.is_some();
        if result.as_ref().is_ok_and(|seen| seen.archived) {
            self.found_archived(ix);
        }
        match result {
            Ok(seen) if wanted != Wanted::ItsEnd && seen.is_over() => self.start_beside(ix, asked),
            Ok(seen) if seen.state == SessionState::Completed && !ended => {
                self.take_up_again(ix, &seen, asked, now);
            }
            Ok(seen) if (seen.is_over() || is_given_up) && self.has_made_it(ix, &seen) => {
                if self.tasks[ix].attempts == 0 {
                    return self.take_up_again(ix, &seen, asked, now);
                }
                let is_completed = seen.state == SessionState::Completed;
                let reason =
                    || format!("what was asked for is there; the session is {}", seen.state.as_str());
                let reason = (!is_completed).then(reason);
                let end = End { work: seen.work, lasting: true, ..End::new(Outcome::Succeeded, reason) };
                self.end_attempt(ix, end, now);
            }
            Ok(_) if !is_fresh(asked, self.poller.interval(), now.instant) => self.recheck(ix, now),
            Ok(seen) if seen.state == SessionState::Completed => {
                self.on_completed_before(ix, &seen, asked, now);
            }
            Ok(seen) if seen.is_over() => self.start_beside(ix, asked),
            Ok(seen) if !is_given_up && !self.is_still_given_up(ix, &seen) => {
                self.take_up_again(ix, &seen, asked, now);
            }
            Ok(_) => {
                self.put_away(ix, now);
                self.recheck_failed(ix, "it could not be put away", now);
            }
            Err(failure) if failure.kind == FailureKind::Missing => self.on_missing(ix, asked, now),
            Err(failure) => self.recheck_failed(ix, &failure.text, now),
        }
    }

    /// What an earlier invocation asked of the archive is done.
    fn found_archived(&mut self, ix: TaskIx) {
        let (task, attempt) = self.names(self.tasks.last_attempt(ix));
        let is_news = self.tasks[ix].old.as_mut().is_some_and(|old| std::mem::take(&mut old.is_archiving));
        if is_news && attempt > 0 {
            self.turn.events.push(EventKind::SessionArchived { task, attempt });
        }
    }

    /// Whether a listing shows the session that an earlier invocation gave up: it is read again by itself.
    pub(super) fn is_read_again(&self, ix: TaskIx, session: &SessionId) -> bool {
        let old = self.tasks[ix].old.as_ref();
        old.is_some_and(|old| old.given_up.is_some() && old.id == *session)
    }

    /// Whether an earlier invocation has given it up, it is to be put away for that, and nobody has seen to it since.
    fn is_still_given_up(&self, ix: TaskIx, seen: &Seen) -> bool {
        let given_up = self.tasks[ix].old.as_ref().and_then(|old| old.given_up.as_ref());
        self.plan[ix].give_up == GiveUp::Archive && given_up.is_some_and(|left| !left.is_answered(seen))
    }

    /// Whether the task has what it wants of its session, whatever state that is in.
    fn has_made_it(&self, ix: TaskIx, seen: &Seen) -> bool {
        let task = &self.plan[ix];
        match seen.state {
            SessionState::Completed => judge(task.expect, &seen.work).0 == Outcome::Succeeded,
            SessionState::Failed => is_met_by_failed(task.expect, &seen.work),
            _ => is_met(task.expect, asked(task), &seen.work),
        }
    }

    /// The session before has completed without success. Somebody may have answered it since: it is shown as completed
    /// for a minute or two still, and then goes on.
    fn on_completed_before(&mut self, ix: TaskIx, seen: &Seen, asked: Instant, now: Now) {
        let Some(old) = &self.tasks[ix].old else { return };
        match old.answer.filter(|(read, _)| now.instant < *read + self.patience()) {
            Some((_, true)) => self.take_up_again(ix, seen, asked, now),
            Some((_, false)) => self.start_beside(ix, asked),
            None => {
                let (attempt, session) = (self.tasks.last_attempt(ix), old.id.clone());
                let purpose = Purpose::Answer;
                self.turn.actions.push(Action::Read { attempt, session, purpose, since: None });
            }
        }
    }

    /// The activities of the session before were read. What they tell counts with the next look.
    pub(super) fn on_answer_read(
        &mut self,
        ix: TaskIx,
        result: Result<Box<Digest>, RequestFailure>,
        now: Now,
    ) {
        let State::Rechecking(_) = *self.tasks.state(ix) else { return };
        let Some(old) = &mut self.tasks[ix].old else { return };
        match result {
            Ok(digest) => {
                let service_time = digest.read_at.unwrap_or(now.wall);
                let may_wake = digest.told.may_wake(Options::FRESH_PATIENCE, service_time);
                old.answer = Some((now.instant, may_wake && digest.told.last_user > old.heard));
                self.recheck(ix, now);
            }
            Err(failure) => self.recheck_failed(ix, &failure.text, now),
        }
    }

    /// The service does not know the session before. That may pass: it is believed after its time.
    fn on_missing(&mut self, ix: TaskIx, asked: Instant, now: Now) {
        let over = gone_after(&self.plan.settings);
        let Some(old) = &mut self.tasks[ix].old else { return };
        if old.absence.add(over, now.instant) {
            return self.start_beside(ix, asked);
        }
        self.release_slot(ix);
        self.tasks.put(ix, State::Pausing(now.instant + self.poller.interval()));
    }

    /// The session before is in nobody's way.
    fn start_beside(&mut self, ix: TaskIx, asked: Instant) {
        if let Some(old) = &mut self.tasks[ix].old {
            old.over_at = Some(asked);
        }
        self.start_over(ix);
    }

    /// The look did not show the session out of the way: there is another one later, or no further attempt.
    pub(super) fn recheck_failed(&mut self, ix: TaskIx, why: &str, now: Now) {
        let Some(old) = &mut self.tasks[ix].old else { return };
        old.looks += 1;
        let is_last = old.looks >= MAX_LOOKS;
        self.release_slot(ix);
        if !is_last {
            self.tasks.put(ix, State::Pausing(now.instant + self.poller.interval()));
            return;
        }
        let not_again = format!("not tried again: no further look at its session: {why}");
        let (outcome, reason) = match self.tasks[ix].owed.take() {
            Some((outcome, Some(reason))) => (outcome, format!("{reason}; {not_again}")),
            Some((outcome, None)) => (outcome, not_again),
            None => {
                (Outcome::Deferred, format!("not tried again yet: its session could not be looked at: {why}"))
            }
        };
        self.end_task(ix, outcome, Some(reason), now);
    }

    /// How long an answer is waited for that our own quota may hold up.
    pub(super) fn patience(&self) -> Duration {
        PATIENCE + own_turn(&self.plan.settings)
    }

    /// Archives the session of the last attempt, which pauses it.
    pub(super) fn put_away(&mut self, ix: TaskIx, now: Now) {
        let Some(old) = &self.tasks[ix].old else { return };
        let session = old.id.clone();
        if let Some(old) = &mut self.tasks[ix].old {
            // Its answer tells.
            old.is_archiving = false;
        }
        let (task, attempt) = self.names(self.tasks.last_attempt(ix));
        // That of an earlier run is no attempt of this one.
        self.archive(&session, task, Some(attempt).filter(|attempt| *attempt > 0), now);
    }

    /// The attempt had been given up, but its session is at work, or has completed since.
    fn take_up_again(&mut self, ix: TaskIx, seen: &Seen, asked: Instant, now: Now) {
        let is_ours = self.tasks[ix].old.as_ref().is_some_and(|old| old.given_up.is_some());
        // An attempt of an earlier run becomes one of this run, which has none yet.
        let is_earlier = self.tasks[ix].attempts == 0;
        if is_earlier {
            let attempt = self.tasks.begin(ix, now);
            let marker = seen.marker().unwrap_or_else(|| self.marker(attempt));
            self.record_intent(attempt, marker, now.wall, None, now);
        }
        self.tasks[ix].begun = Some(now);
        self.record_session(ix, seen, is_earlier);
        self.follow(ix, &seen.id, false, Spent::default(), now);
        let attempt = self.tasks.last_attempt(ix);
        let put_away = self.tasks.driver_of(attempt).filter(|_| seen.archived && is_ours);
        put_away.into_iter().for_each(Driver::found_in_archive);
        self.drive(attempt, now, |driver| driver.on_seen(seen, asked, now));
        self.leave_if_nobody_waits(ix, now);
    }
}
