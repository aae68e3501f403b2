//! The end of tasks, and of the run.

use std::time::Duration;

use jiff::SignedDuration;

use super::task::State;
use super::{Dispatch, Stage};
use crate::engine::action::Action;
use crate::engine::driver::Driver;
use crate::engine::input::{Now, RequestFailure, Seen};
use crate::engine::needs::{Decision, Verdict};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Outcome, SessionRef, Stray, Work};

/// How long the answers of creates under way are waited for when we leave.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

impl Dispatch {
    /// The task has its outcome, and so may others that waited for it.
    pub(super) fn end_task(&mut self, index: usize, outcome: Outcome, reason: Option<String>, now: Now) {
        self.record_end(index, outcome, reason);
        self.release_dependents(index, outcome);
        self.count_failure(index, outcome, now);
    }

    /// Starts, skips or defers what waited for an ended task, and what waited for that in turn.
    pub(super) fn release_dependents(&mut self, index: usize, outcome: Outcome) {
        let mut ended = vec![(index, outcome)];
        while let Some((need, ended_as)) = ended.pop() {
            for (dependent, decision) in self.needs.on_end(need, ended_as) {
                ended.extend(self.follow_need(dependent, decision).map(|outcome| (dependent, outcome)));
            }
        }
    }

    /// What a need's end means for a task that has no session; one that has goes its own way. Its outcome, if it has
    /// one now.
    fn follow_need(&mut self, index: usize, decision: Decision) -> Option<Outcome> {
        match self.tasks[index].state {
            State::Waiting | State::Pausing | State::Rechecking(_) => {}
            State::Creating(_) | State::Live(_) | State::Ended(_) => return None,
        }
        let need = &self.task(decision.need).id;
        let (outcome, reason) = match decision.verdict {
            Verdict::Ready => {
                self.queue_if_free(index);
                return None;
            }
            Verdict::Skip => {
                (Outcome::Skipped, format!("needs `{need}`, which ended as {}", decision.outcome.label()))
            }
            Verdict::Defer => (Outcome::Deferred, format!("needs `{need}`, which is still open")),
        };
        self.release_slot(index);
        self.record_end(index, outcome, Some(reason));
        Some(outcome)
    }

    /// The task has no session any more: it waits for its next attempt, unless a need has ended otherwise meanwhile.
    pub(super) fn requeue(&mut self, index: usize) {
        self.tasks[index].state = State::Waiting;
        let ended = self.needs.decided(index).and_then(|decision| self.follow_need(index, decision));
        match ended {
            Some(outcome) => self.release_dependents(index, outcome),
            None => self.queue_if_free(index),
        }
    }

    fn record_end(&mut self, index: usize, outcome: Outcome, reason: Option<String>) {
        if self.tasks[index].state.is_ended() {
            return;
        }
        self.tasks[index].state = State::Ended(outcome);
        self.open -= 1;
        self.ready.remove(&index);
        self.timers.set(index, None);
        let task = self.task(index).id.clone();
        self.turn.events.push(EventKind::TaskEnded { task, outcome, reason });
    }

    /// Somebody or something wants the run to stop. Reasons only escalate.
    pub(super) fn stop_for(&mut self, reason: StopReason, now: Now) {
        if self.stop.is_some_and(|stop| stop >= reason) || self.stage == Stage::Done {
            return;
        }
        self.stop = Some(reason);
        if reason.leaves_live() {
            self.leave(reason, now);
        } else {
            self.defer_unstarted(reason, now);
        }
    }

    /// Nothing more is started; what is live is followed to its end.
    fn defer_unstarted(&mut self, reason: StopReason, now: Now) {
        for index in 0..self.tasks.len() {
            match &self.tasks[index].state {
                State::Pausing => self.end_without_retry(index, now),
                State::Waiting | State::Rechecking(_) => self.defer(index, reason),
                State::Creating(_) | State::Live(_) | State::Ended(_) => {}
            }
        }
    }

    /// Everything live is left as it is; the next invocation takes it up.
    fn leave(&mut self, reason: StopReason, now: Now) {
        let mut answers_due = false;
        for index in 0..self.tasks.len() {
            match &self.tasks[index].state {
                State::Live(_) => self.detach(index, reason),
                State::Creating(create) if create.is_posting() && reason < StopReason::Abandon => {
                    answers_due = true;
                }
                State::Creating(_) => self.leave_intent(index, reason),
                State::Pausing | State::Waiting | State::Rechecking(_) => self.defer(index, reason),
                State::Ended(_) => {}
            }
        }
        self.stage =
            Stage::Leaving { until: if answers_due { now.instant + LAST_ANSWERS } else { now.instant } };
    }

    /// While leaving, a session whose POST is answered late is recorded and left at once.
    pub(super) fn detach_if_leaving(&mut self, index: usize) {
        if let (Some(reason), Stage::Leaving { .. }) = (self.stop, self.stage)
            && matches!(self.tasks[index].state, State::Live(_))
        {
            self.detach(index, reason);
        }
    }

    fn detach(&mut self, index: usize, reason: StopReason) {
        let State::Live(driver) = &self.tasks[index].state else { return };
        let reason = format!("{}, in state {}", reason.detachment(), Driver::state(driver).as_str());
        let work = driver.work().clone();
        let task = self.task(index).id.clone();
        let attempt = self.tasks[index].attempt;
        let outcome = Outcome::Detached;
        if work != Work::default() {
            let reason = Some(reason.clone());
            self.turn.events.push(EventKind::AttemptEnded { task, attempt, outcome, reason, work });
        }
        self.release_slot(index);
        self.record_end(index, outcome, Some(reason));
    }

    pub(super) fn defer(&mut self, index: usize, reason: StopReason) {
        self.release_slot(index);
        self.record_end(index, Outcome::Deferred, Some(reason.deferral().to_owned()));
    }

    /// An intent whose session nobody knows stays open in the record; one that surely came to nothing is void.
    fn leave_intent(&mut self, index: usize, reason: StopReason) {
        let State::Creating(create) = &self.tasks[index].state else { return };
        let task = self.task(index).id.clone();
        let attempt = self.tasks[index].attempt;
        if create.in_doubt() {
            self.release_slot(index);
            let reason = "it is not known whether its session was created; the next run looks for it first";
            self.record_end(index, Outcome::Deferred, Some(reason.to_owned()));
        } else {
            let cause = create.cause().to_owned();
            self.turn.events.push(EventKind::CreateRefused { task, attempt, cause, capacity: false });
            self.defer(index, reason);
        }
    }

    fn end_without_retry(&mut self, index: usize, now: Now) {
        if let Some((outcome, reason)) = self.tasks[index].last_end.take() {
            self.end_task(index, outcome, reason, now);
        }
    }

    /// Whether the run is over, and what is still to be done for it.
    pub(super) fn conclude(&mut self, now: Now) {
        match self.stage {
            Stage::Leaving { until } => {
                let waiting = self.tasks.iter().any(|task| matches!(task.state, State::Creating(_)));
                if !waiting || now.instant >= until {
                    self.leave_rest();
                    self.stage = Stage::Done;
                }
            }
            Stage::Working | Stage::Settling | Stage::Surveying if self.open == 0 => {
                if self.any_intent && self.stop.is_none_or(|stop| !stop.leaves_live()) {
                    let since = self.run_started.saturating_sub(SignedDuration::from_secs(60));
                    self.stage = Stage::Auditing;
                    self.turn.actions.push(Action::Audit { since: since.unwrap_or(self.run_started) });
                } else {
                    self.stage = Stage::Done;
                }
            }
            Stage::Working | Stage::Settling | Stage::Surveying | Stage::Auditing | Stage::Done => {}
        }
    }

    fn leave_rest(&mut self) {
        let reason = self.stop.unwrap_or(StopReason::Interrupt);
        for index in 0..self.tasks.len() {
            match self.tasks[index].state {
                State::Creating(_) => self.leave_intent(index, reason),
                State::Live(_) => self.detach(index, reason),
                State::Waiting | State::Pausing | State::Rechecking(_) => self.defer(index, reason),
                State::Ended(_) => {}
            }
        }
    }

    /// The last listing: every session with this run's marker must be one that the run knows.
    pub(super) fn on_audited(&mut self, result: Result<Vec<Seen>, RequestFailure>) {
        match result {
            Ok(seen) => self.report_strays(&seen),
            Err(failure) => {
                let note = format!("the last listing failed, so strays would go unseen: {}", failure.text);
                self.turn.events.push(EventKind::Noted { task: None, note });
            }
        }
        self.stage = Stage::Done;
    }

    fn report_strays(&mut self, seen: &[Seen]) {
        for seen in seen {
            let Some(marker) = seen.marker().filter(|marker| marker.is_of_run(&self.run)) else { continue };
            if self.known.contains(&seen.id) {
                continue;
            }
            let task =
                self.plan.tasks.iter().find(|task| marker.is_of_task(&task.key)).map(|task| task.id.clone());
            let stray = Stray {
                session: SessionRef { id: seen.id.clone(), url: seen.url.clone() },
                title: seen.title.clone().unwrap_or_default(),
                task,
            };
            self.turn.events.push(EventKind::StrayFound { stray });
        }
    }
}
