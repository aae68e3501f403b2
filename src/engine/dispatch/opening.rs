//! The beginning: what an earlier invocation left, and what the service already holds.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

use super::task::State;
use super::{Dispatch, Stage};
use crate::api::SessionState;
use crate::engine::Fault;
use crate::engine::action::Action;
use crate::engine::create::Create;
use crate::engine::input::{Now, Seen, Trouble, TroubleKind};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Outcome, PlannedTask, RunRecord, TaskRecord};
use crate::plan::Task;

/// How far back the first listing looks for live sessions when the ledger is new.
const SURVEY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a listing shows of tasks, newest first, by the part of their keys that markers carry.
type Marked<'a> = HashMap<String, Vec<&'a Seen>>;

impl Dispatch {
    /// Begins the invocation: takes over what `record` knows and asks for the first listing.
    pub(in crate::engine) fn open(&mut self, record: &RunRecord, now: Now) {
        self.turn.events.push(EventKind::InvocationStarted { invocation: self.invocation });
        let plan = self.plan.clone();
        for (index, task) in plan.tasks.iter().enumerate() {
            let known = record.tasks.get(&task.id);
            match known.filter(|known| known.planned.key == task.key) {
                Some(known) => self.take_over(index, known, now),
                None => {
                    self.note_superseded(known);
                    let planned = Box::new(planned(task));
                    self.turn.events.push(EventKind::TaskPlanned { planned });
                }
            }
        }
        if !self.options.selected {
            self.drop_removed(record);
        }
        self.settle_needs(now);
        for index in 0..self.tasks.len() {
            self.queue_if_free(index);
        }
        // A run that was killed during its first listing has a ledger, but knows nothing from it.
        let known = if record.invocations == 0 { self.options.ledger_known } else { record.surveyed };
        let adopts = !known && self.open > 0;
        let since = adopts.then(|| now.wall.saturating_sub(SURVEY).unwrap_or(Timestamp::MIN));
        if self.open == 0 {
            self.stage = Stage::Working;
        } else {
            self.turn.actions.push(Action::Survey { since });
        }
        self.conclude(now);
    }

    /// The first listing is back: adopt what carries our markers.
    pub(super) fn on_surveyed(&mut self, result: Result<Vec<Seen>, Trouble>, now: Now) {
        let seen = match result {
            Ok(seen) => seen,
            Err(trouble) => return self.fail_at_start(trouble, now),
        };
        if self.stage != Stage::Surveying {
            return;
        }
        let mut marked = Marked::new();
        for seen in &seen {
            if let Some(marker) = seen.marker() {
                marked.entry(marker.key().to_owned()).or_default().push(seen);
            }
        }
        let mut adopted = 0;
        for index in 0..self.tasks.len() {
            match &self.tasks[index].state {
                State::Waiting if self.tasks[index].attempt == 0 => {
                    adopted += usize::from(self.adopt_one_of(index, &marked, now));
                }
                State::Creating(_) => self.look(index),
                State::Rechecking(session) => {
                    self.turn.actions.push(Action::Recheck { task: index, session: session.clone() });
                }
                State::Waiting | State::Held | State::Live(_) | State::Ended(_) => {}
            }
        }
        self.turn.events.push(EventKind::SessionsSurveyed { adopted });
        self.stage = Stage::Settling;
    }

    fn fail_at_start(&mut self, trouble: Trouble, now: Now) {
        let (fault, reason) = match trouble.kind {
            TroubleKind::Key => (Fault::KeyRefused(trouble.text), StopReason::Key),
            TroubleKind::Passing { .. } | TroubleKind::Missing | TroubleKind::Lasting => {
                (Fault::ServiceDown(trouble.text), StopReason::Service)
            }
        };
        self.fault = Some(fault);
        self.stop_for(reason, now);
    }

    fn take_over(&mut self, index: usize, known: &TaskRecord, now: Now) {
        self.any_intent |= !known.attempts.is_empty();
        let last = known.attempts.last();
        let numbered =
            known.attempts.iter().filter(|attempt| !attempt.refused).map(|attempt| attempt.number).max();
        self.tasks[index].attempt = numbered.unwrap_or(0);
        let again =
            self.options.rerun_failed && known.outcome.is_some_and(|outcome| self.is_bad(index, outcome));
        if again {
            self.tasks[index].attempts_before = self.tasks[index].attempt;
        }
        if let Some(outcome) = known.outcome.filter(|outcome| !outcome.is_open() && !again) {
            self.tasks[index].state = State::Ended(outcome);
            self.open -= 1;
            return;
        }
        if known.outcome.is_some() {
            self.turn.events.push(EventKind::TaskReopened { task: known.planned.id.clone() });
        }
        let Some(last) = last else { return };
        if last.is_open_intent() {
            let create = Create::settle(
                last.started_at,
                self.plan.settings.adoption,
                now.instant + self.task(index).timeouts.task,
            );
            self.tasks[index].state = State::Creating(Box::new(create));
            self.tasks[index].settling = true;
            self.tasks[index].intent = Some((now.instant, last.started_at));
            self.held += 1;
        } else if let Some(session) = last.session.as_ref().filter(|_| last.is_live()) {
            self.tasks[index].intent = Some((now.instant, last.started_at));
            self.held += 1;
            self.follow(index, session.id.clone(), false, (last.replies, last.nudges), now);
        } else if let Some(session) = last.session.as_ref().filter(|_| again) {
            self.tasks[index].state = State::Rechecking(session.id.clone());
        }
    }

    /// What `--failed` runs again: what failed, and what was skipped because a need had failed.
    fn is_bad(&self, index: usize, outcome: Outcome) -> bool {
        outcome.is_failure() || (outcome == Outcome::Skipped && !self.task(index).needs.is_empty())
    }

    /// The prompt was edited: the task is a new one, and nobody follows the old one's session any more.
    fn note_superseded(&mut self, known: Option<&TaskRecord>) {
        let Some(known) = known else { return };
        if let Some(session) = known.attempts.last().filter(|a| a.is_live()).and_then(|a| a.session.as_ref())
        {
            let note =
                format!("the prompt was changed; session {} of the old one was left as it is", session.id);
            self.turn.events.push(EventKind::Noted { task: Some(known.planned.id.clone()), note });
        }
    }

    /// Open tasks that the manifest does not hold any more would keep the run open for ever.
    fn drop_removed(&mut self, record: &RunRecord) {
        let planned: std::collections::HashSet<_> = self.plan.tasks.iter().map(|task| &task.id).collect();
        for (id, known) in &record.tasks {
            if !planned.contains(id) && known.outcome.is_none_or(Outcome::is_open) {
                let reason = Some("not in the manifest any more".to_owned());
                self.turn.events.push(EventKind::TaskEnded {
                    task: id.clone(),
                    outcome: Outcome::Skipped,
                    reason,
                });
            }
        }
    }

    /// What ended in an earlier invocation meets the needs of others, or does not.
    fn settle_needs(&mut self, now: Now) {
        for index in 0..self.tasks.len() {
            if let State::Ended(outcome) = self.tasks[index].state {
                self.release_dependents(index, outcome, now);
            }
        }
    }

    /// A task without a ledger entry takes up the newest session with its marker: a live one in any case, a
    /// finished one only when it is young.
    fn adopt_one_of(&mut self, index: usize, marked: &Marked, now: Now) -> bool {
        let key = &self.task(index).key;
        let within =
            SignedDuration::try_from(self.plan.settings.adoption.adopt_within).unwrap_or(SignedDuration::MAX);
        let is_live = |seen: &Seen| !seen.state.is_terminal();
        let is_young =
            |seen: &Seen| seen.created.is_some_and(|created| now.wall.duration_since(created) <= within);
        let candidates = || marked.get(key.short()).into_iter().flatten().copied();
        let chosen = candidates()
            .find(|seen| is_live(seen))
            .or_else(|| candidates().find(|seen| seen.state == SessionState::Completed && is_young(seen)))
            .or_else(|| candidates().find(|seen| is_young(seen)));
        if let Some(seen) = chosen {
            self.adopt_found(index, seen, now);
        }
        chosen.is_some()
    }

    fn adopt_found(&mut self, index: usize, seen: &Seen, now: Now) {
        let Some(marker) = seen.marker() else { return };
        self.ready.remove(&index);
        let attempt = 1;
        self.any_intent = true;
        self.tasks[index].attempt = attempt;
        self.tasks[index].intent = Some((now.instant, now.wall));
        self.held += 1;
        let task = self.task(index).id.clone();
        self.turn.events.push(EventKind::IntentRecorded { task, attempt, marker });
        self.on_session(index, seen, true, now);
    }
}

fn planned(task: &Task) -> PlannedTask {
    PlannedTask {
        id: task.id.clone(),
        key: task.key.clone(),
        job: task.job.clone(),
        source: task.source.clone(),
        matrix: (*task.matrix).clone(),
        tags: task.tags.to_vec(),
        place: task.place,
        on_no_change: task.on_no_change,
    }
}
