//! The end of tasks, and of the run.

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::tasks::State;
use super::{Dispatch, Stage};
use crate::engine::action::{Action, TaskIx};
use crate::engine::create;
use crate::engine::driver::Driver;
use crate::engine::input::{FailureKind, Listed, Now, RequestFailure, Seen};
use crate::engine::needs::Decision;
use crate::engine::refusals::Refusals;
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Marker, Outcome, RunRecord, SessionRef, Stray, Work};
use jules::SessionId;

/// How long the answers of creates under way are waited for when we leave.
const LAST_ANSWERS: Duration = Duration::from_secs(3);

impl Dispatch {
    /// The task has its outcome, and so may others that waited for it.
    pub(super) fn end_task(&mut self, ix: TaskIx, outcome: Outcome, reason: Option<String>, now: Now) {
        let outcome = self.record_end(ix, outcome, reason);
        self.release_dependents(ix, outcome);
        self.count_end(ix, outcome, now);
    }

    /// Starts, skips or defers what waited for an ended task, and what waited for that in turn.
    pub(super) fn release_dependents(&mut self, ix: TaskIx, outcome: Outcome) {
        let mut ended = vec![(ix, outcome)];
        while let Some((need, ended_as)) = ended.pop() {
            for (dependent, decision) in self.tasks.needs.on_end(need, &self.plan[need].id, ended_as) {
                ended.extend(self.follow_need(dependent, &decision).map(|outcome| (dependent, outcome)));
            }
        }
    }

    /// What a need's end means for a task that has no session; one that has goes its own way. Its outcome, if it has
    /// one now.
    pub(super) fn follow_need(&mut self, ix: TaskIx, decision: &Decision) -> Option<Outcome> {
        match self.tasks.state(ix) {
            State::Waiting | State::Pausing(_) | State::Rechecking(_) => {}
            State::Creating(_) | State::Live(_) | State::Ended(_) => return None,
        }
        let need = &decision.need;
        let Some(ended_as) = decision.outcome else {
            let reason = format!("needs `{need}`, which is no part of this run and was never run");
            self.release_slot(ix);
            return Some(self.record_end(ix, Outcome::Skipped, Some(reason)));
        };
        let (outcome, reason) = match ended_as {
            Outcome::Succeeded | Outcome::NoChange => {
                self.tasks.queue_if_free(ix);
                return None;
            }
            Outcome::Deferred | Outcome::Detached => {
                (Outcome::Deferred, format!("needs `{need}`, which is still open"))
            }
            Outcome::Skipped
            | Outcome::NeedsInput
            | Outcome::Failed
            | Outcome::Stalled
            | Outcome::TimedOut
            | Outcome::Error => {
                (Outcome::Skipped, format!("needs `{need}`, which ended as {}", ended_as.label()))
            }
        };
        self.release_slot(ix);
        Some(self.record_end(ix, outcome, Some(reason)))
    }

    /// The task has no session any more: it waits for its next attempt, unless a need has ended otherwise meanwhile.
    pub(super) fn requeue(&mut self, ix: TaskIx) {
        self.tasks.put(ix, State::Waiting);
        let ended = self.tasks.needs.decided(ix).and_then(|decision| self.follow_need(ix, &decision));
        match ended {
            Some(outcome) => self.release_dependents(ix, outcome),
            None => self.tasks.queue_if_free(ix),
        }
    }

    /// What has ended in earlier invocations and is not run again.
    pub(super) fn count_ended_before(&mut self, record: &RunRecord) {
        for ix in self.tasks.all() {
            if let State::Ended(outcome) = *self.tasks.state(ix) {
                let is_failure = outcome.counts_as_failed(self.plan[ix].on_no_change);
                self.breaker.count(outcome, is_failure);
            }
        }
        if self.options.selected {
            let planned: HashSet<_> = self.plan.tasks.iter().map(|task| &task.id).collect();
            for (_, task) in record.tasks.iter().filter(|(id, _)| !planned.contains(id)) {
                let outcome = task.outcome_so_far();
                self.breaker.count(outcome, task.has_failed());
            }
        }
    }

    /// A task has ended: perhaps it was one failure too many.
    pub(super) fn count_end(&mut self, ix: TaskIx, outcome: Outcome, now: Now) {
        let is_failure = outcome.counts_as_failed(self.plan[ix].on_no_change);
        self.breaker.count(outcome, is_failure);
        self.breaker.fails_now |= is_failure;
        self.stop_if_too_many_failed(now);
    }

    /// Why the run starts nothing, where so many tasks have failed.
    pub(in crate::engine) fn too_many_failed(&self) -> Option<String> {
        self.breaker.verdict(&self.plan.settings.strategy)
    }

    /// Why the next invocation would start nothing of what is left, for the same reason.
    pub(in crate::engine) fn held_up(&self) -> Option<String> {
        let strategy = &self.plan.settings.strategy;
        self.breaker.lasting_verdict(strategy).filter(|_| self.stop.reason == Some(StopReason::Failures))
    }

    pub(super) fn stop_if_too_many_failed(&mut self, now: Now) {
        if self.stop.reason.is_some_and(|stop| stop >= StopReason::Failures) {
            return;
        }
        let Some(why) = self.too_many_failed() else { return };
        let note = format!("nothing more is started: {why}");
        self.turn.events.push(EventKind::Noted { task: None, note });
        self.breaker.why = Some(why);
        self.stop_for(StopReason::Failures, now);
    }

    /// The outcome that it has by that: a good one before stays where there was no other session.
    fn record_end(&mut self, ix: TaskIx, outcome: Outcome, reason: Option<String>) -> Outcome {
        if let Some(kept) = self.keep_end(ix, outcome, reason.as_deref()) {
            return kept;
        }
        self.reopen_kept(ix);
        if !matches!(self.tasks.put(ix, State::Ended(outcome)), State::Ended(_)) {
            let task = self.plan[ix].id.clone();
            self.turn.events.push(EventKind::TaskEnded { task, outcome, reason });
        }
        outcome
    }

    /// Somebody or something wants the run to stop. Reasons only escalate.
    pub(super) fn stop_for(&mut self, reason: StopReason, now: Now) {
        if self.stop.reason.is_some_and(|stop| stop >= reason) || self.stage == Stage::Done {
            return;
        }
        self.stop.reason = Some(reason);
        if reason.leaves_live() {
            self.leave(reason, now);
        } else {
            self.defer_unstarted(reason, now);
        }
    }

    /// Nothing more is started; what is live is followed to its end.
    fn defer_unstarted(&mut self, reason: StopReason, now: Now) {
        for ix in self.tasks.all() {
            match self.tasks.state(ix) {
                State::Pausing(_) | State::Waiting | State::Rechecking(_) => {
                    self.end_unstarted(ix, reason, now);
                }
                State::Creating(_) | State::Live(_) | State::Ended(_) => {}
            }
        }
    }

    /// Everything live is left as it is; the next invocation takes it up.
    fn leave(&mut self, reason: StopReason, now: Now) {
        let is_answer_due = self.leave_open(reason, reason < StopReason::Abandon);
        self.stage =
            Stage::Leaving { until: now.instant + if is_answer_due { LAST_ANSWERS } else { Duration::ZERO } };
    }

    /// Gives every task an outcome, but for those whose POST is to be waited for. Whether there is one.
    fn leave_open(&mut self, reason: StopReason, wait_for_posts: bool) -> bool {
        let mut is_answer_due = false;
        for ix in self.tasks.all() {
            match self.tasks.state(ix) {
                State::Live(_) => self.detach(ix, reason),
                State::Creating(create) if wait_for_posts && create.is_posting() => is_answer_due = true,
                State::Creating(_) => self.leave_intent(ix, reason),
                State::Pausing(_) | State::Waiting | State::Rechecking(_) => self.defer(ix, reason),
                State::Ended(_) => {}
            }
        }
        is_answer_due
    }

    /// While leaving, a session whose POST is answered late is recorded and left at once.
    pub(super) fn detach_if_leaving(&mut self, ix: TaskIx) {
        if let (Some(reason), Stage::Leaving { .. }) = (self.stop.reason, self.stage)
            && matches!(self.tasks.state(ix), State::Live(_))
        {
            self.detach(ix, reason);
        }
    }

    fn detach(&mut self, ix: TaskIx, reason: StopReason) {
        let State::Live(driver) = self.tasks.state(ix) else { return };
        let reason = format!("{}, in state {}", reason.detachment(), Driver::state(driver).as_str());
        let work = driver.work().clone();
        let (task, attempt) = self.names(self.tasks.last_attempt(ix));
        let outcome = Outcome::Detached;
        if work != Work::default() {
            let reason = Some(reason.clone());
            self.turn.events.push(EventKind::AttemptEnded { task, attempt, outcome, reason, work });
        }
        self.release_slot(ix);
        self.record_end(ix, outcome, Some(reason));
    }

    pub(super) fn defer(&mut self, ix: TaskIx, reason: StopReason) {
        self.release_slot(ix);
        if let Some(held) = self.held_for(ix) {
            self.record_end(ix, Outcome::Deferred, Some(held.why()));
            return;
        }
        let why = self.breaker.why.as_deref().filter(|_| reason == StopReason::Failures);
        let reason = why.map_or_else(|| reason.deferral().to_owned(), |why| format!("not started: {why}"));
        self.record_end(ix, Outcome::Deferred, Some(reason));
    }

    /// An intent whose session nobody knows stays open in the record; one that surely came to nothing is void.
    fn leave_intent(&mut self, ix: TaskIx, reason: StopReason) {
        let State::Creating(create) = self.tasks.state(ix) else { return };
        let (task, attempt) = self.names(self.tasks.last_attempt(ix));
        if create.is_new() {
            // Nothing of it is on record.
            self.defer(ix, reason);
        } else if create.in_doubt() {
            self.release_slot(ix);
            let reason = "it is not known whether its session was created; the next run looks for it first";
            self.record_end(ix, Outcome::Detached, Some(reason.to_owned()));
        } else {
            let cause = create.cause().to_owned();
            self.turn.events.push(EventKind::CreateRefused {
                task,
                attempt,
                cause,
                capacity: false,
                withdrawn: false,
            });
            self.defer(ix, reason);
        }
    }

    /// A task that would start, and must not: as its last attempt ended, or deferred if it has had none.
    pub(super) fn end_unstarted(&mut self, ix: TaskIx, stop: StopReason, now: Now) {
        match self.tasks[ix].owed.take().filter(|_| !stop.leaves_live()) {
            Some((outcome, reason)) => {
                self.release_slot(ix);
                self.end_task(ix, outcome, reason, now);
            }
            None => self.defer(ix, stop),
        }
    }

    /// Whether the run is over, and what is still to be done for it.
    pub(super) fn conclude(&mut self, now: Now) {
        match self.stage {
            Stage::Leaving { until } => {
                let waiting = self.tasks.is_any(|state| matches!(state, State::Creating(_)));
                if !waiting || now.instant >= until {
                    self.leave_open(self.stop.reason.unwrap_or(StopReason::Interrupt), false);
                    self.stop_archiving();
                    self.stage = Stage::Done;
                }
            }
            Stage::Working | Stage::Surveying => {
                let is_alone = !self.tasks.is_any_open();
                if self.waits_for_archives(is_alone, now) || !is_alone || self.waits_for_details(now) {
                    return;
                }
                if self.run.had_intent && self.stop.reason.is_none_or(|stop| !stop.leaves_live()) {
                    self.audit();
                } else {
                    self.stage = Stage::Done;
                }
            }
            Stage::Auditing | Stage::Done => {}
        }
    }

    /// Asks for the last listing.
    pub(super) fn audit(&mut self) {
        let since = self.run.started.saturating_sub(SignedDuration::from_secs(60));
        self.stage = Stage::Auditing;
        if self.run.audits == 0 {
            self.run.refusals = Refusals::default();
        }
        self.run.audits += 1;
        self.turn.actions.push(Action::Audit { since: since.unwrap_or(self.run.started) });
    }

    /// The last listing: every session with this run's marker must be one that the run knows.
    pub(super) fn on_audited(&mut self, result: Result<Listed, RequestFailure>, is_key_lost: bool, now: Now) {
        if self.stage != Stage::Auditing {
            return;
        }
        let unknown = match result {
            Ok(listed) => {
                let (gap, seen) = (listed.gap(), listed.found);
                for seen in &seen {
                    self.check_title(seen);
                    self.see_further(seen);
                }
                let rules = self.plan.settings.adoption;
                let lacking = self.lacking(&seen, now);
                if lacking.is_some() && self.run.audits < rules.looks {
                    // A new session may not be listed yet.
                    self.run.list_at = Some(now.instant + rules.look_delay);
                    return;
                }
                self.report_strays(&seen);
                self.look_for_rivals(&seen, now);
                let changed = "the service does not keep titles, whose markers tell whose a session is";
                let lacks = |newest| format!("the last listing does not show session {newest}");
                lacking.map(lacks).or(gap).or_else(|| self.titles.are_changed.then(|| changed.to_owned()))
            }
            Err(failure) if failure.kind == FailureKind::Key && !is_key_lost => return self.list_later(now),
            Err(failure) if self.may_be_listed_yet(&failure, now) => return self.list_later(now),
            Err(failure) => Some(format!("the last listing failed: {}", failure.text)),
        };
        self.turn.events.extend(unknown.map(|reason| EventKind::StraysUnknown { reason }));
        self.stage = Stage::Done;
    }

    /// Whether the first or the last listing was refused in a way that may pass, and not yet for long.
    pub(super) fn may_be_listed_yet(&mut self, failure: &RequestFailure, now: Now) -> bool {
        match failure.kind {
            FailureKind::Refused | FailureKind::Missing | FailureKind::Lasting => {
                let over = create::believed_after(self.plan.settings.adoption);
                !self.run.refusals.add(over, now.instant)
            }
            // The client has tried it again.
            FailureKind::Passing { .. } | FailureKind::Key => false,
        }
    }

    /// The first or the last listing was refused: it is asked for again.
    pub(super) fn list_later(&mut self, now: Now) {
        self.run.list_at = Some(now.instant + self.poller.interval().max(Duration::from_secs(1)));
    }

    /// The newest session that the run has created, if it is not listed.
    fn lacking(&self, listed: &[Seen], now: Now) -> Option<SessionId> {
        let newest = self.run.newest.as_ref().filter(|newest| newest.is_recent(now.wall))?;
        let is_listed = listed.iter().any(|seen| seen.id == *newest.id());
        (!is_listed).then(|| newest.id().clone())
    }

    /// What another run has doubled bears its marker: once told, it is one until somebody has seen to it.
    fn report_strays(&mut self, seen: &[Seen]) {
        for seen in seen {
            let is_stray =
                |marker: &Marker| marker.is_of_run(&self.run.id) || self.run.strays.contains(&seen.id);
            let Some(marker) = seen.marker().filter(is_stray) else { continue };
            // Somebody has seen to what is in the archive.
            let is_known = self.run.sessions.contains(&seen.id) || self.run.left_intents.contains(&marker);
            if is_known || seen.archived || self.is_work_of_our_double(&marker) {
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
