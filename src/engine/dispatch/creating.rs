//! A session's creation: its turn, its intent, its POSTs.

use std::time::Duration;

use super::Dispatch;
use super::tasks::State;
use crate::engine::action::{Action, Attempt, TaskIx};
use crate::engine::admission::Repeat;
use crate::engine::create::{self, Create, Post, UNKNOWN};
use crate::engine::driver::End;
use crate::engine::input::{CreateFailure, Now, Seen};
use crate::engine::stop::StopReason;
use crate::outcome::{EventKind, Outcome};
use jules::KnownSession;

/// A task that was refused so often where others were taken is refused for itself.
const MAX_OWN_REFUSALS: u32 = 3;

/// Why nothing came of an intent, for certain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Void {
    Refused,
    NoCapacity,
    /// The run was stopping before it was sent.
    Withdrawn,
}

impl Dispatch {
    /// A session is to be created for the task: as soon as quotas and pauses let it through, its intent is recorded, and when
    /// that is kept its POST leaves.
    pub(super) fn begin_attempt(&mut self, ix: TaskIx, now: Now) {
        let (rules, patience) = (self.plan.settings.adoption, self.plan[ix].timeouts.task);
        let attempt = self.tasks.begin(ix, now);
        self.tasks[ix].marker = None;
        if let Some(asked_at) = self.tasks[ix].lost.take() {
            // The session of a POST in doubt may be listed by now.
            let marker = self.marker(attempt);
            self.record_intent(attempt, marker.clone(), asked_at, None, now);
            self.settle_of(ix, marker, asked_at, None, true, now);
            return self.search(ix, now);
        }
        self.tasks.put(ix, State::Creating(Box::new(Create::queued(rules, patience, now))));
        self.admission.on_intent(now);
        if self.spare_turns > 0 {
            self.spare_turns -= 1;
            return self.create_step(attempt, now, |create| create.on_turn(Ok(()), now));
        }
        self.queue(attempt, false);
    }

    pub(super) fn create_step(
        &mut self,
        attempt: Attempt,
        now: Now,
        step: impl FnOnce(&mut Create) -> create::Step,
    ) {
        let Some(create) = self.tasks.create_of(attempt) else { return };
        let step = step(create);
        let ix = attempt.task;
        match step {
            create::Step::Wait | create::Step::Refused { first: false, .. } => {}
            create::Step::Refused { cause, .. } => {
                let (task, note) = (Some(self.names(attempt).0), format!("{cause}; it is tried again"));
                self.turn.events.push(EventKind::Noted { task, note });
            }
            create::Step::Doubt(cause) => {
                let (task, number) = self.names(attempt);
                self.turn.events.push(EventKind::CreateDoubted { task, attempt: number, cause });
                self.search(ix, now);
            }
            create::Step::Search => self.search(ix, now),
            create::Step::QueueAgain => self.queue_again(attempt, now),
            create::Step::Queue => self.queue(attempt, false),
            // It was looked for once more, and the run has begun to stop meanwhile.
            create::Step::Post(_) if self.stop.reason.is_some_and(StopReason::calls_creates_back) => {
                self.void_intent(ix, "stopping; it was not sent".to_owned(), Void::Withdrawn);
            }
            create::Step::Post(post) => self.post(attempt, post, now),
            create::Step::Created { seen, adopted } => {
                if !adopted {
                    self.run.newest = Some(KnownSession::created(seen.id.clone(), seen.created, now.wall));
                    self.count_ours(&seen);
                    self.tasks.on_taken(ix);
                }
                self.admission.on_created(self.tasks.slots().live + 1);
                self.on_session(ix, &seen, adopted, now);
            }
            create::Step::NeverCreated => {
                self.void_intent(
                    ix,
                    "an earlier invocation's create came to nothing".to_owned(),
                    Void::Refused,
                );
            }
            create::Step::Withdrawn { cause } => self.void_intent(ix, cause, Void::Withdrawn),
            create::Step::NoCapacity { cause, .. } if self.tasks[ix].own_refusals >= MAX_OWN_REFUSALS => {
                self.give_back(ix);
                let reason = format!("refused again and again while other sessions were created: {cause}");
                self.end_attempt(ix, End { lasting: true, ..End::new(Outcome::Error, Some(reason)) }, now);
            }
            create::Step::NoCapacity { cause, retry_after } => {
                self.tasks.on_refused(ix, now.instant);
                self.void_intent(ix, cause, Void::NoCapacity);
                self.admission.on_refused(self.tasks.slots().live, retry_after, now);
                if self.admission.left > 0 {
                    // Nobody waits for what is live, so nothing makes room.
                    self.stop_for(self.left_for(), now);
                }
            }
            create::Step::Unknown { reason } => {
                self.leave_doubt(ix, &reason, now);
            }
            create::Step::Failed { reason, lasting } => {
                self.give_back(ix);
                self.end_attempt(ix, End { lasting, ..End::new(Outcome::Error, Some(reason)) }, now);
            }
        }
        self.tasks.arm(ix);
    }

    /// No session came of the intent, for certain: the task is where it was before.
    fn void_intent(&mut self, ix: TaskIx, cause: String, void: Void) {
        self.give_back(ix);
        let (task, attempt) = self.names(self.tasks.last_attempt(ix));
        let (capacity, withdrawn) = (void == Void::NoCapacity, void == Void::Withdrawn);
        self.tasks[ix].lost = match self.tasks.state(ix) {
            State::Creating(create) if create.was_lost() && !create.is_settling() => Some(create.asked_at()),
            _ => None,
        };
        match self.tasks.state(ix) {
            // There is no intent.
            State::Creating(create) if create.is_new() => {
                let note = (!withdrawn).then_some(EventKind::Noted { task: Some(task), note: cause });
                self.turn.events.extend(note);
            }
            _ => {
                self.turn.events.push(EventKind::CreateRefused { task, attempt, cause, capacity, withdrawn });
            }
        }
        self.tasks[ix].attempts = attempt.saturating_sub(1);
        self.start_over(ix);
    }

    /// Asks for the turn of a POST, which nothing is recorded for. `lost`: the one before it may have made a session.
    fn queue(&mut self, attempt: Attempt, lost: bool) {
        if self.stop.reason.is_some() {
            return self.void_intent(
                attempt.task,
                "stopping; nothing was created".to_owned(),
                Void::Withdrawn,
            );
        }
        let room = self.admission.room(self.tasks.slots(), self.others.count());
        let more = self.tasks.ready().min(room);
        self.turn.actions.push(Action::Turn { attempt, more, lost });
    }

    /// A create's turn has come: nothing waits any more between here and its POST but for the ledger. What is known of the
    /// task's last session may have grown old meanwhile: then there is another look first, and the turn is kept for what comes
    /// after.
    pub(super) fn on_turned(&mut self, attempt: Attempt, result: Result<(), CreateFailure>, now: Now) {
        let is_had = result.is_ok();
        let is_waited_for = self.tasks.create_of(attempt).is_some_and(|create| create.is_queued());
        if !is_waited_for {
            self.spare_turns += usize::from(is_had);
            return;
        }
        if let Err(CreateFailure::Account { again, spent }) = result {
            return self.on_no_room(attempt, (again, spent), now);
        }
        if is_had {
            self.admission.on_room();
        }
        let is_first = self.tasks.create_of(attempt).is_some_and(|create| create.is_new());
        if is_had && self.stop.reason.is_some_and(StopReason::calls_creates_back) {
            self.spare_turns += 1;
            let stopping = Err(CreateFailure::Withdrawn("stopping; it was not sent".to_owned()));
            return self.create_step(attempt, now, |create| create.on_turn(stopping, now));
        }
        if is_had && is_first && self.is_look_old(attempt.task, now) {
            self.spare_turns += 1;
            self.take_back(attempt.task);
            return self.recheck(attempt.task, now);
        }
        self.create_step(attempt, now, |create| create.on_turn(result, now));
    }

    /// The account that runs share has no room: the task waits as it did before, and what waits for nothing but a slot is begun
    /// when there is one.
    fn on_no_room(&mut self, attempt: Attempt, (again, spent): (Duration, bool), now: Now) {
        if self.admission.on_no_room(now.instant + again, spent) {
            let note = "the account has no slot for this run now: it waits until a session ends, of this run or of another";
            self.turn.events.push(EventKind::Noted { task: None, note: note.to_owned() });
        }
        if self.tasks.create_of(attempt).is_some_and(|create| create.is_new()) {
            self.take_back(attempt.task);
            return self.requeue(attempt.task);
        }
        if spent {
            let cause = "no session was found, and the account's day is spent".to_owned();
            return self.void_intent(attempt.task, cause, Void::Refused);
        }
        let late = Err(CreateFailure::Late("the account did not answer".to_owned()));
        self.create_step(attempt, now, |create| create.on_turn(late, now));
    }

    /// What is to be created has no intent yet, and is not to be.
    pub(super) fn take_back(&mut self, ix: TaskIx) {
        self.give_back(ix);
        self.tasks[ix].attempts = self.tasks[ix].attempts.saturating_sub(1);
        self.tasks.put(ix, State::Waiting);
    }

    /// A POST was answered, or not. What has no good answer may have made a session all the same.
    pub(super) fn on_posted(&mut self, attempt: Attempt, result: Result<Box<Seen>, CreateFailure>, now: Now) {
        let result = result.and_then(|seen| self.unless_of_another(attempt, seen));
        if result.is_err() {
            self.rivals.expect(self.marker(attempt));
        }
        let result = self.unless_believed(attempt, result, now);
        self.create_step(attempt, now, |create| create.on_posted(result, now));
    }

    /// Records that a POST leaves: at once, or never.
    fn post(&mut self, attempt: Attempt, post: Post, now: Now) {
        let Post { number, send_by } = post;
        let marker = self.marker(attempt);
        if number == 1 {
            self.tasks[attempt.task].begun = Some(now);
            self.record_intent(attempt, marker.clone(), now.wall, Some(send_by), now);
        } else {
            let (task, attempt) = self.names(attempt);
            self.turn.events.push(EventKind::CreateRepeated { task, attempt, post: number, send_by });
        }
        self.turn.actions.push(Action::Create { attempt, marker });
    }

    /// The POST before was in doubt, and looks have not found its session. Each such one may have made a session all
    /// the same: it keeps its place in the day's budget, and a few in a row are enough.
    fn queue_again(&mut self, attempt: Attempt, now: Now) {
        match self.admission.repeat(now) {
            Repeat::Granted => self.queue(attempt, true),
            Repeat::NoBudget => {
                let cause = "no session was found, and the daily budget of sessions is spent".to_owned();
                self.void_intent(attempt.task, cause, Void::Refused);
            }
            Repeat::TooMany => {
                let cause = self.tasks.create_of(attempt).map(|create| create.cause().to_owned());
                let reason = format!("{UNKNOWN}: {}", cause.unwrap_or_default());
                self.leave_doubt(attempt.task, &reason, now);
            }
        }
    }

    /// The intent stays open: whoever takes the task up again looks for its session first, which may be at work and
    /// keeps its slot.
    fn leave_doubt(&mut self, ix: TaskIx, reason: &str, now: Now) {
        self.admission.left += 1;
        self.tasks.repositories.on_left(ix);
        self.admission.unsettled += 1;
        self.run.left_intents.insert(self.sought(self.tasks.last_attempt(ix)));
        self.release_slot(ix);
        let reason = format!("{reason}; the next run looks for it first");
        self.end_task(ix, Outcome::Detached, Some(reason), now);
    }

    /// Nothing came of the create: its place is free again, but for one that may have made a session unseen.
    fn give_back(&mut self, ix: TaskIx) {
        match self.tasks.state(ix) {
            State::Creating(create) if create.was_lost() => {}
            State::Creating(create) if create.is_settling() => self.admission.on_never_created(),
            _ => self.admission.on_void(),
        }
    }

    /// Tasks that no session can be created for, and that have none to go on with.
    pub(super) fn end_impossible(&mut self, now: Now) {
        for ix in self.tasks.all() {
            if matches!(self.tasks.state(ix), State::Waiting) && self.tasks[ix].old.is_none() {
                self.end_if_impossible(ix, now);
            }
        }
    }

    pub(super) fn end_if_impossible(&mut self, ix: TaskIx, now: Now) -> bool {
        let Some(problem) = self.plan[ix].problem.as_deref().map(str::to_owned) else { return false };
        let (outcome, reason) = match self.tasks[ix].owed.take() {
            Some((outcome, Some(reason))) => (outcome, format!("{reason}; not tried again: {problem}")),
            Some((outcome, None)) => (outcome, format!("not tried again: {problem}")),
            // It was done before, and cannot be done once more.
            None if self.tasks[ix].kept.is_some() => (Outcome::Skipped, problem),
            None => (Outcome::Error, problem),
        };
        self.end_task(ix, outcome, Some(reason), now);
        true
    }
}
