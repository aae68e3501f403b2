//! Creating a session exactly once: what to do after a POST that may or may not have been processed.
//!
//! The API has no idempotency key, so two identical POSTs are two sessions. A POST is repeated only when the
//! service surely did not process the one before, or when enough searches have not found its marker.

mod step;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::deadline::Deadline;
use super::input::{CreateFailure, Now, RequestFailure, Seen};
use super::refusals::Refusals;
use crate::outcome::RunRecord;
use crate::plan::Adoption;
use jules::{KnownSession, ListProof, SessionId};

pub(super) use step::{Look, Post, Step};

/// How many times one attempt may POST before it ends in an error.
const MAX_POSTS: u32 = 5;
/// A POST leaves so long after it was decided at most: the ledger keeps its event meanwhile, and the connection is made.
pub(super) const SEND_WITHIN: Duration = Duration::from_secs(10);
/// How many searches that prove nothing are borne for each one that is to count.
const INCONCLUSIVE: u32 = 10;
/// How many POSTs may be refused for a key that is taken otherwise, and the shortest pause between two.
const MAX_KEY_REFUSALS: u32 = 12;
const KEY_PAUSE: Duration = Duration::from_secs(1);

/// How long creates must be refused that may pass, at the default `create.look-delay` half a minute, before that is
/// believed.
pub(super) fn believed_after(rules: Adoption) -> Duration {
    rules.look_delay * 3
}

/// How reasons begin of a doubt that stays open.
pub(super) const UNKNOWN: &str = "it is not known whether its session was created";

/// One attempt's way from its intent to its session.
#[derive(Debug)]
pub(super) struct Create {
    /// When the intent was recorded: a session older than that, less a minute, is not ours.
    since: Timestamp,
    rules: Adoption,
    /// No further search or POST after that. An answer under way is always waited for: it may bring a session.
    deadline: Deadline,
    /// How long after the intent that is.
    patience: Duration,
    /// POSTs that are on record. None: it has no intent yet, or an earlier invocation's.
    posts: u32,
    searches: u32,
    /// POSTs that were refused for the key.
    key_refusals: u32,
    /// POSTs that were refused otherwise.
    refusals: Refusals,
    /// Searches that proved nothing.
    inconclusive: u32,
    /// A POST of it was in doubt, and its session was not found.
    was_lost: bool,
    /// When the last look that counted did not show it.
    unseen_at: Option<Instant>,
    /// Its turn has come, and is kept while it is looked for once more.
    has_turn: bool,
    /// Whether lists that do not show the session count.
    proof: ListProof,
    /// When the session must have been created, if it was.
    created_by: Timestamp,
    /// Whoever was to send it may be there still: before this time its absence from a list proves nothing.
    absent_from: Option<Timestamp>,
    phase: Phase,
    /// The last thing that went wrong.
    cause: String,
    /// What a session that was not created means: that there was no capacity.
    for_capacity: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Until quotas and pauses let a POST through.
    Queued,
    Posting,
    Searching,
    /// Until the next search.
    Pausing(Instant),
    /// Until the next POST.
    Waiting(Instant),
}

impl Create {
    /// One that waits for its turn. It has no intent before that.
    pub(super) fn queued(rules: Adoption, patience: Duration, now: Now) -> Self {
        Self {
            since: now.wall,
            rules,
            deadline: Deadline::at(now.instant + patience),
            patience,
            posts: 0,
            searches: 0,
            key_refusals: 0,
            refusals: Refusals::default(),
            inconclusive: 0,
            was_lost: false,
            unseen_at: None,
            has_turn: false,
            proof: ListProof::default(),
            created_by: now.wall,
            absent_from: None,
            phase: Phase::Queued,
            cause: String::new(),
            for_capacity: false,
        }
    }

    /// An intent of an earlier invocation: nobody knows whether its POST left. Whoever was to send it has ended, and whatever
    /// it has sent had left until `send_by`. `was_lost`: it had left, and was in doubt.
    pub(super) fn settle(
        since: Timestamp,
        send_by: Option<Timestamp>,
        was_lost: bool,
        rules: Adoption,
        patience: Duration,
        now: Now,
    ) -> Self {
        let cause = "the program ended before the service's answer was recorded".to_owned();
        let created_by = send_by.map_or(since, |send_by| send_by.min(now.wall).max(since));
        let queued = Self::queued(rules, patience, now);
        Self { since, created_by, was_lost, phase: Phase::Searching, cause, ..queued }
    }

    /// The same where another process was to send it, which may not know yet that the run is ours: what it sends in time may be
    /// processed, and listed, so long after that.
    pub(super) fn of_another(mut self, lag: Duration) -> Self {
        self.absent_from = self.created_by.max(self.since).checked_add(lag).ok();
        self
    }

    /// How far back to search: the intent less a minute, for clocks that differ, and to what must be shown.
    pub(super) fn search_since(&self) -> Timestamp {
        self.proof.list_back_to(less(self.since, SignedDuration::from_mins(1)))
    }

    /// The newest session that surely exists when a search begins.
    pub(super) fn must_show(&mut self, newest: Option<&KnownSession>, now: Now) {
        self.proof.must_show(newest, now.wall);
    }

    /// Whether a session that was created then is younger than the intent; none when clocks that differ leave it open.
    pub(super) fn is_younger(&self, created: Option<Timestamp>) -> Option<bool> {
        let created = created?;
        match created {
            _ if created >= self.since => Some(true),
            _ if created < less(self.since, SignedDuration::from_mins(1)) => Some(false),
            _ => None,
        }
    }

    /// What a list that does not show the session says of it; `shows` tells of any other session whether it is there.
    pub(super) fn without(&mut self, shows: impl FnOnce(&SessionId) -> bool, now: Now) -> Look {
        self.proof.objection(shows, self.created_by, now.wall).map_or(Look::Absent, Look::Inconclusive)
    }

    /// Whether so many searches have proved nothing as were to count.
    pub(super) fn waits_for_the_list(&self) -> bool {
        self.inconclusive == self.looks()
    }

    fn looks(&self) -> u32 {
        self.rules.looks.max(1)
    }

    /// When [`Create::on_wake`] has something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Pausing(at) | Phase::Waiting(at) => Some(at.min(self.deadline.instant())),
            Phase::Queued | Phase::Posting | Phase::Searching => None,
        }
    }

    /// Whether it is an intent of an earlier invocation.
    pub(super) fn is_settling(&self) -> bool {
        self.posts == 0 && !self.is_new()
    }

    /// Whether it has no intent yet: nothing of it was sent, nor is on record.
    pub(super) fn is_new(&self) -> bool {
        self.posts == 0 && matches!(self.phase, Phase::Queued | Phase::Waiting(_))
    }

    /// Whether it waits for the turn of a POST.
    pub(super) fn is_queued(&self) -> bool {
        self.phase == Phase::Queued
    }

    /// Whether the answer to its POST may still come.
    pub(super) fn is_posting(&self) -> bool {
        self.phase == Phase::Posting
    }

    /// Whether nobody knows if the session exists.
    pub(super) fn in_doubt(&self) -> bool {
        matches!(self.phase, Phase::Posting | Phase::Searching | Phase::Pausing(_))
    }

    /// Whether its session is being looked for.
    pub(super) fn is_looked_for(&self) -> bool {
        matches!(self.phase, Phase::Searching | Phase::Pausing(_))
    }

    /// Whether a POST of it was in doubt and made nothing that was found.
    pub(super) fn was_lost(&self) -> bool {
        self.was_lost
    }

    /// When its intent was recorded.
    pub(super) fn asked_at(&self) -> Timestamp {
        self.since
    }

    /// The last thing that went wrong.
    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    /// Its turn has come, or does not come.
    pub(super) fn on_turn(&mut self, result: Result<(), CreateFailure>, now: Now) -> Step {
        if self.phase != Phase::Queued {
            return Step::Wait;
        }
        if let Err(failure) = result {
            return self.on_posted(Err(failure), now);
        }
        let is_stale = |unseen| now.instant.duration_since(unseen) > self.rules.look_delay;
        if self.was_lost && self.unseen_at.is_some_and(is_stale) {
            // It may be listed by now.
            (self.has_turn, self.searches) = (true, self.looks() - 1);
            self.phase = Phase::Searching;
            return Step::Search;
        }
        self.post(now)
    }

    fn post(&mut self, now: Now) -> Step {
        if self.posts == 0 {
            // What passed before, for a quota or a pause, is not its time.
            (self.since, self.deadline) = (now.wall, Deadline::at(now.instant + self.patience));
        }
        self.posts += 1;
        self.searches = 0;
        self.phase = Phase::Posting;
        Step::Post(Post { number: self.posts, send_by: now.wall + SEND_WITHIN })
    }

    /// A POST was answered, or not.
    pub(super) fn on_posted(&mut self, result: Result<Box<Seen>, CreateFailure>, now: Now) -> Step {
        match result {
            Ok(seen) => Step::Created { seen, adopted: false },
            Err(CreateFailure::Key(reason)) if self.key_refusals >= MAX_KEY_REFUSALS => {
                Step::Failed { reason, lasting: true }
            }
            // It may be taken the next time. Whether it is lost for all is not decided here.
            Err(CreateFailure::Key(cause)) => {
                self.cause = cause;
                self.key_refusals += 1;
                self.posts = self.posts.saturating_sub(1).max(1);
                self.phase = Phase::Waiting(now.instant + self.rules.look_delay.max(KEY_PAUSE));
                Step::Wait
            }
            Err(CreateFailure::Withdrawn(cause)) => Step::Withdrawn { cause },
            // It is asked before there is a POST.
            Err(CreateFailure::Account { .. }) => self.post_later(now),
            Err(CreateFailure::Capacity { cause, retry_after }) => Step::NoCapacity { cause, retry_after },
            Err(CreateFailure::Lasting(reason)) => Step::Failed { reason, lasting: true },
            Err(CreateFailure::Refused(reason))
                if self.refusals.add(believed_after(self.rules), now.instant) =>
            {
                Step::Failed { reason, lasting: true }
            }
            Err(CreateFailure::Refused(cause)) => {
                self.posts = self.posts.saturating_sub(1).max(1);
                self.phase = Phase::Waiting(now.instant + self.rules.look_delay * self.refusals.count());
                self.cause.clone_from(&cause);
                Step::Refused { cause, first: self.refusals.count() == 1 }
            }
            Err(CreateFailure::Unsent(cause)) => {
                self.cause = cause;
                self.post_later(now)
            }
            // The program or the machine slept, or the disk: the next one does not fare worse for that.
            Err(CreateFailure::Late(cause)) => {
                self.cause = cause;
                self.posts = self.posts.saturating_sub(1).max(1);
                self.phase = Phase::Waiting(now.instant + self.rules.look_delay / 2);
                Step::Wait
            }
            Err(CreateFailure::Doubt { cause, capacity }) => {
                self.cause.clone_from(&cause);
                self.for_capacity = capacity;
                self.searches = 0;
                self.created_by = now.wall;
                self.phase = Phase::Searching;
                Step::Doubt(cause)
            }
        }
    }

    /// A search ended. One that failed or proves nothing does not count.
    pub(super) fn on_searched(&mut self, result: Result<Look, RequestFailure>, now: Now) -> Step {
        match result {
            Ok(Look::Found(seen)) => return Step::Created { seen, adopted: true },
            Err(failure) => self.cause = failure.text,
            Ok(Look::Absent) if self.absent_from.is_some_and(|from| now.wall < from) => {}
            Ok(Look::Absent) => {
                self.searches += 1;
                self.unseen_at = Some(now.instant);
            }
            Ok(Look::Inconclusive(why)) => {
                self.inconclusive += 1;
                if self.inconclusive >= self.looks() * INCONCLUSIVE {
                    let reason = format!("{UNKNOWN}: {why}");
                    return Step::Unknown { reason };
                }
                self.cause = why;
            }
        }
        if self.searches < self.looks() {
            self.phase = Phase::Pausing(now.instant + self.rules.look_delay);
            return if self.deadline.is_over(now.instant) { self.overdue() } else { Step::Wait };
        }
        if std::mem::take(&mut self.has_turn) {
            return self.post(now);
        }
        if self.posts == 0 {
            return Step::NeverCreated;
        }
        if self.for_capacity {
            return Step::NoCapacity { cause: std::mem::take(&mut self.cause), retry_after: None };
        }
        self.was_lost = true;
        if self.posts >= MAX_POSTS {
            return self.given_up();
        }
        self.phase = Phase::Queued;
        Step::QueueAgain
    }

    /// The ledger is away, or there again. A POST that has waited for it begins its time anew.
    pub(super) fn on_ledger(&mut self, is_away: bool, now: Now) {
        self.deadline.on_ledger(is_away, now.instant);
        if !is_away && self.phase == Phase::Posting {
            self.deadline = Deadline::at(now.instant + self.patience);
        }
    }

    /// The time of [`Create::wake_at`] has come.
    pub(super) fn on_wake(&mut self, now: Now) -> Step {
        match self.phase {
            Phase::Pausing(_) | Phase::Waiting(_) if self.deadline.is_over(now.instant) => self.overdue(),
            Phase::Pausing(at) if now.instant >= at => {
                self.phase = Phase::Searching;
                Step::Search
            }
            Phase::Waiting(at) if now.instant >= at => {
                self.phase = Phase::Queued;
                Step::Queue
            }
            Phase::Pausing(_) | Phase::Waiting(_) => Step::Wait,
            Phase::Queued | Phase::Posting | Phase::Searching => Step::Wait,
        }
    }
}

/// The newest session that an earlier invocation of the run has created. Clocks differ.
pub(super) fn newest_of(record: &RunRecord) -> Option<KnownSession> {
    let attempts = record.tasks.values().flat_map(|task| &task.attempts);
    let created = attempts.filter(|attempt| attempt.session.is_some() && !attempt.adopted);
    let newest = created.max_by_key(|attempt| attempt.asked_at())?;
    let since = less(newest.asked_at(), SignedDuration::from_mins(1));
    newest.session.as_ref().map(|session| KnownSession::new(session.id.clone(), since))
}

fn less(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests;
