//! The beginning: what an earlier invocation left.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::old::{OldSession, Wanted};
use super::tasks::State;
use super::{Dispatch, Stage};
use crate::engine::action::TaskIx;
use crate::engine::create::Create;
use crate::engine::driver::Spent;
use crate::engine::input::Now;
use crate::engine::planned::planned;
use crate::engine::runs_again;
use crate::outcome::{AttemptRecord, EventKind, Marker, Outcome, RunRecord, TaskRecord};
use crate::plan::Task;

impl Dispatch {
    /// Begins the invocation: takes over what `record` knows and asks for the first listing.
    pub(in crate::engine) fn open(&mut self, record: &RunRecord, now: Now) {
        self.meet_rivals(record, now);
        let (invocation, shard) = (record.invocations + 1, self.options.shard);
        let workflow_run = self.options.workflow_run.clone();
        self.turn.events.push(EventKind::InvocationStarted { invocation, shard, workflow_run });
        let plan = self.plan.clone();
        let lacks_branch =
            |known: &TaskRecord| known.planned.source.as_ref().is_some_and(|s| s.branch.is_empty());
        let lack_branches = record.tasks.values().any(lacks_branch);
        for (ix, task) in self.tasks.all().zip(&plan.tasks) {
            if lack_branches {
                self.replace_without_branch(task, record);
            }
            let current = record.tasks.get(&task.id);
            current.into_iter().for_each(|known| self.further.learn(ix, known));
            if let Some(known) = current.filter(|known| !self.is_planned_anew(ix, known)) {
                self.take_over(ix, known, now);
                if known.last_attempt().is_none() && matches!(self.tasks.state(ix), State::Waiting) {
                    let earlier = self.options.earlier.get(&task.id).cloned();
                    earlier.iter().for_each(|earlier| self.take_up_earlier(ix, earlier, now));
                }
                continue;
            }
            let planned = EventKind::TaskPlanned { planned: Arc::new(planned(task)) };
            let is_back = record.superseded(&task.id, &task.key).is_some();
            match current.filter(|_| !is_back && !self.options.earlier.contains_key(&task.id)) {
                Some(before) => self.reopen(ix, before, planned),
                None => self.turn.events.push(planned),
            }
            if let Some(known) = record.superseded(&task.id, &task.key) {
                self.take_over(ix, known, now);
                if let State::Ended(outcome) = *self.tasks.state(ix) {
                    let (task, reason) = (task.id.clone(), known.reason.clone());
                    self.turn.events.push(EventKind::TaskEnded { task, outcome, reason });
                }
            } else if let Some(known) = self.options.earlier.get(&task.id).cloned() {
                self.take_up_earlier(ix, &known, now);
            } else if let Some(last) = current.and_then(TaskRecord::last_attempt) {
                self.tasks[ix].old = OldSession::of(last, Wanted::Another);
            }
        }
        for marker in std::mem::take(&mut self.options.in_doubt_before) {
            self.others.add_intent(marker);
        }
        if self.options.selected {
            self.leave_intents(record);
        } else {
            self.drop_removed(record);
        }
        self.settle_needs();
        self.count_ended_before(record);
        self.note_others(record);
        self.hold_waves(record);
        for ix in self.tasks.all() {
            self.tasks.queue_if_free(ix);
        }
        if self.tasks.is_any_open() {
            self.survey();
        } else {
            self.stage = Stage::Working;
        }
        self.look_at_left(now);
        let late = std::mem::take(&mut self.options.late);
        self.on_late(late);
        self.see_to_late(now);
        self.conclude(now);
    }

    /// Whether a task with another prompt than before is one of its own from now on. What it has come to before the edit
    /// stays, and so does what is still at work.
    fn is_planned_anew(&self, ix: TaskIx, known: &TaskRecord) -> bool {
        let is_at_work = known.last_attempt().is_some_and(AttemptRecord::is_at_work);
        let is_edited = known.planned.key != self.plan[ix].key;
        is_edited && !is_at_work && (known.is_open() || self.is_again(ix, known))
    }

    /// Whether it is done once more.
    fn is_again(&self, ix: TaskIx, known: &TaskRecord) -> bool {
        let task = &self.plan[ix];
        let failed = self.options.rerun_failed && known.outcome.is_some_and(|o| runs_again(task, o));
        failed || self.options.again.contains(&task.id)
    }

    /// What another run has left of the task's last attempt is this run's from now on.
    fn take_up_earlier(&mut self, ix: TaskIx, known: &TaskRecord, now: Now) {
        let Some(last) = known.last_attempt() else { return };
        if !last.is_at_work() {
            self.tasks[ix].old = OldSession::of(last, self.wanted(ix));
            return;
        }
        let attempt = self.tasks.begin(ix, now);
        self.record_intent(attempt, last.marker.clone(), last.asked_at(), last.send_by, now);
        let Some(session) = &last.session else {
            return self.settle(ix, last, !known.doubts.is_empty(), now);
        };
        let (task, attempt) = self.names(attempt);
        let (session, created_at) = (session.clone(), None);
        self.turn.events.push(EventKind::SessionCreated {
            task,
            attempt,
            session,
            adopted: true,
            created_at,
        });
        self.take_over_last(ix, last, now);
    }

    /// What is wanted of the session before.
    fn wanted(&self, ix: TaskIx) -> Wanted {
        match (self.options.again.contains(&self.plan[ix].id), self.options.replace_live) {
            (true, true) => Wanted::ItsPlace,
            (true, false) => Wanted::Another,
            (false, _) => Wanted::ItsEnd,
        }
    }

    fn take_over(&mut self, ix: TaskIx, known: &TaskRecord, now: Now) {
        self.run.had_intent |= !known.attempts.is_empty();
        // A refused intent was no attempt.
        let attempts: Vec<_> = known.attempts.iter().filter(|attempt| !attempt.refused).collect();
        self.tasks[ix].attempts = known.attempts_made();
        let again = self.is_again(ix, known);
        if again {
            self.tasks[ix].attempts_before = self.tasks[ix].attempts;
        }
        let is_settled = known.open_intent().is_none() && !again;
        if let Some(outcome) = known.outcome.filter(|outcome| !outcome.is_open() && is_settled) {
            self.tasks.put(ix, State::Ended(outcome));
            return;
        }
        if known.outcome.is_some() {
            self.reopen(ix, known, EventKind::TaskReopened { task: known.planned.id.clone() });
        }
        match attempts.as_slice() {
            [] => {}
            [.., before, intent] if intent.is_open_intent() => {
                self.tasks[ix].old = OldSession::of(before, Wanted::ItsEnd);
                self.settle(ix, intent, !known.doubts.is_empty(), now);
            }
            [intent] if intent.is_open_intent() => self.settle(ix, intent, !known.doubts.is_empty(), now),
            [.., last] => self.take_over_last(ix, last, now),
        }
    }

    /// A source's branch is known by now: what stood for the task meanwhile has nothing to say any more.
    fn replace_without_branch(&mut self, task: &Task, record: &RunRecord) {
        let Some(before) = task.id_without_branch().filter(|before| *before != task.id) else { return };
        if record.tasks.get(&before).is_some_and(|known| known.outcome != Some(Outcome::Skipped)) {
            let reason = Some(format!("its branch is known by now: it is `{}`", task.id));
            let outcome = Outcome::Skipped;
            self.turn.events.push(EventKind::TaskEnded { task: before, outcome, reason });
        }
    }

    /// An intent that nobody knows the end of.
    fn settle(&mut self, ix: TaskIx, intent: &AttemptRecord, was_lost: bool, now: Now) {
        self.settle_of(ix, intent.marker.clone(), intent.asked_at(), intent.send_by, was_lost, now);
    }

    pub(super) fn settle_of(
        &mut self,
        ix: TaskIx,
        marker: Marker,
        asked_at: Timestamp,
        send_by: Option<Timestamp>,
        was_lost: bool,
        now: Now,
    ) {
        let (rules, patience) = (self.plan.settings.adoption, self.plan[ix].timeouts.task);
        let create = Create::settle(asked_at, send_by, was_lost, rules, patience, now);
        let create = match self.options.intents_of_others {
            Some(lag) => create.of_another(lag),
            None => create,
        };
        self.tasks.put(ix, State::Creating(Box::new(create)));
        self.tasks[ix].begun = Some(Now { wall: asked_at, ..now });
        let is_other = self.marker(self.tasks.last_attempt(ix)) != marker;
        self.tasks[ix].marker = is_other.then_some(marker);
    }

    fn take_over_last(&mut self, ix: TaskIx, last: &AttemptRecord, now: Now) {
        // What an invocation before had begun to replace is replaced.
        let wanted = if last.is_to_be_replaced() { Wanted::ItsPlace } else { self.wanted(ix) };
        if wanted == Wanted::ItsPlace && last.is_live() {
            self.tasks[ix].attempts_before = self.tasks[ix].attempts;
            let reason = "its session is live, and could not be put away".to_owned();
            self.tasks[ix].owed = Some((Outcome::Detached, Some(reason)));
            self.tasks[ix].old = OldSession::of(last, wanted);
        } else if let Some(session) = last.session.as_ref().filter(|_| last.is_live()) {
            let followed = Duration::try_from(last.followed).unwrap_or_default();
            let instant = now.instant.checked_sub(followed).unwrap_or(now.instant);
            self.tasks[ix].begun = Some(Now { wall: last.asked_at(), instant });
            let (replies, nudges, woken) = (last.replies, last.nudges, last.woken);
            let spent = Spent { replies, nudges, woken, ..Spent::default() };
            self.follow(ix, &session.id, false, spent, now);
        } else {
            // Another attempt beside a session that may be at work would be one too many.
            self.tasks[ix].old = OldSession::of(last, wanted);
        }
    }

    /// Nobody follows a session of this task any more.
    fn note_left(&mut self, known: &TaskRecord, why: &str) {
        let live = known.attempts.last().filter(|attempt| attempt.is_live());
        if let Some(session) = live.and_then(|attempt| attempt.session.as_ref()) {
            let note = format!("{why}; session {} was left as it is", session.id);
            self.turn.events.push(EventKind::Noted { task: Some(known.planned.id.clone()), note });
        }
    }

    /// What is in doubt of tasks that are not selected stays so.
    fn leave_intents(&mut self, record: &RunRecord) {
        let plan = self.plan.clone();
        let selected: HashSet<_> = plan.tasks.iter().map(|task| &task.id).collect();
        let left = record.tasks.iter().filter(|(id, _)| !selected.contains(id));
        let intents = left.flat_map(|(_, task)| &task.attempts).filter(|attempt| attempt.is_open_intent());
        for attempt in intents {
            self.run.left_intents.insert(attempt.marker.clone());
            self.others.add_intent(attempt.marker.clone());
        }
    }

    /// Open tasks that the manifest does not hold any more would keep the run open for ever.
    fn drop_removed(&mut self, record: &RunRecord) {
        let plan = self.plan.clone();
        let planned: HashSet<_> = plan.tasks.iter().map(|task| &task.id).collect();
        for (id, known) in record.removed(&planned) {
            self.note_left(known, "the task is not in the manifest any more");
            self.turn.events.push(RunRecord::removed_end(id.clone()));
        }
    }

    /// What ended in an earlier invocation, or is outside the plan, meets the needs of others or does not. What was
    /// skipped although no need keeps it from starting any more is open again.
    fn settle_needs(&mut self) {
        let mut ended = Vec::new();
        let mut skipped = BTreeSet::new();
        for ix in self.tasks.all() {
            match self.tasks.state(ix) {
                State::Ended(Outcome::Skipped) => _ = skipped.insert(ix),
                State::Ended(outcome) => ended.push((ix, *outcome)),
                _ => {}
            }
        }
        let outside = self.tasks.all().filter_map(|ix| Some((ix, self.tasks.needs.decided(ix)?)));
        let mut decided: Vec<_> = outside.collect();
        loop {
            for (dependent, decision) in decided.drain(..) {
                if !decision.is_met() && skipped.remove(&dependent) {
                    ended.push((dependent, Outcome::Skipped));
                }
                ended.extend(self.follow_need(dependent, &decision).map(|outcome| (dependent, outcome)));
            }
            let Some((need, outcome)) = ended.pop() else { break };
            decided = self.tasks.needs.on_end(need, &self.plan[need].id, outcome);
        }
        for ix in skipped {
            self.turn.events.push(EventKind::TaskReopened { task: self.plan[ix].id.clone() });
            self.tasks.put(ix, State::Waiting);
        }
    }
}
