//! Creating a session exactly once: what to do after a POST that may or may not have been processed.
//!
//! The API has no idempotency key, so two identical POSTs are two sessions. A POST is repeated only when the
//! service surely did not process the one before, or when enough searches have not found its marker.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::input::{CreateFailure, FailureKind, Now, RequestFailure, Seen};
use crate::plan::Adoption;

/// How many times one attempt may POST before it ends in an error.
const MAX_POSTS: u32 = 5;

/// One attempt's way from its intent to its session.
#[derive(Debug)]
pub(super) struct Create {
    /// When the intent was recorded: a session older than that, less a minute, is not ours.
    since: Timestamp,
    rules: Adoption,
    /// No further search or POST after that. An answer under way is always waited for: it may bring a session.
    deadline: Instant,
    posts: u32,
    searches: u32,
    phase: Phase,
    /// The last thing that went wrong.
    cause: String,
    /// What a session that was not created means: that there was no capacity.
    for_capacity: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Posting,
    Searching,
    /// Until the next search.
    Pausing(Instant),
    /// Until the next POST.
    Waiting(Instant),
}

/// What follows.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing, until the answer or until [`Create::wake_at`].
    Wait,
    /// The create is in doubt from here on: search for it.
    Doubt(String),
    /// Search again.
    Search,
    /// POST again.
    Post,
    /// Here it is; `adopted` when it was found by its marker.
    Created { seen: Box<Seen>, adopted: bool },
    /// The intent of an earlier invocation came to nothing: the task starts like any other.
    NeverCreated,
    /// There was no capacity: nothing was created, the task waits.
    NoCapacity { cause: String, retry_after: Option<Duration> },
    /// It will not be.
    Failed { reason: String, lasting: bool },
    /// The time is over, and nobody knows whether the session exists.
    Unknown { reason: String },
    /// The key was refused before anything was created.
    KeyRefused(String),
    /// The key was refused to a search: whether the session exists stays open.
    Blind(String),
}

impl Create {
    /// A new intent: its POST leaves now.
    pub(super) fn post(since: Timestamp, rules: Adoption, deadline: Instant) -> Self {
        Self {
            since,
            rules,
            deadline,
            posts: 1,
            searches: 0,
            phase: Phase::Posting,
            cause: String::new(),
            for_capacity: false,
        }
    }

    /// An intent of an earlier invocation: nobody knows whether its POST left.
    pub(super) fn settle(since: Timestamp, rules: Adoption, deadline: Instant) -> Self {
        let cause = "the program ended before the service's answer was recorded".to_owned();
        Self { posts: 0, phase: Phase::Searching, cause, ..Self::post(since, rules, deadline) }
    }

    /// How far back to search: the intent less a minute, for clocks that differ.
    pub(super) fn search_since(&self) -> Timestamp {
        self.since.saturating_sub(jiff::SignedDuration::from_secs(60)).unwrap_or(self.since)
    }

    /// When [`Create::on_wake`] has something to do.
    pub(super) fn wake_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Pausing(at) | Phase::Waiting(at) => Some(at.min(self.deadline)),
            Phase::Posting | Phase::Searching => None,
        }
    }

    /// Whether it is an intent of an earlier invocation.
    pub(super) fn is_settling(&self) -> bool {
        self.posts == 0
    }

    /// Whether the answer to its POST may still come.
    pub(super) fn is_posting(&self) -> bool {
        self.phase == Phase::Posting
    }

    /// Whether nobody knows if the session exists.
    pub(super) fn in_doubt(&self) -> bool {
        matches!(self.phase, Phase::Posting | Phase::Searching | Phase::Pausing(_))
    }

    /// The last thing that went wrong.
    pub(super) fn cause(&self) -> &str {
        &self.cause
    }

    /// A POST was answered, or not.
    pub(super) fn on_posted(&mut self, result: Result<Box<Seen>, CreateFailure>, now: Now) -> Step {
        match result {
            Ok(seen) => Step::Created { seen, adopted: false },
            Err(CreateFailure::Key(cause)) => Step::KeyRefused(cause),
            Err(CreateFailure::Capacity { cause, retry_after }) => Step::NoCapacity { cause, retry_after },
            Err(CreateFailure::Lasting(reason)) => Step::Failed { reason, lasting: true },
            Err(CreateFailure::Unsent(cause)) => {
                self.cause = cause;
                self.post_later(now)
            }
            Err(CreateFailure::Doubt { cause, capacity }) => {
                self.cause.clone_from(&cause);
                self.for_capacity = capacity;
                self.searches = 0;
                self.phase = Phase::Searching;
                Step::Doubt(cause)
            }
        }
    }

    /// A search ended. One that failed does not count: only a list that was read to its end proves absence.
    pub(super) fn on_searched(
        &mut self,
        result: Result<Option<Box<Seen>>, RequestFailure>,
        now: Now,
    ) -> Step {
        match result {
            Ok(Some(seen)) => return Step::Created { seen, adopted: true },
            Err(failure) if failure.kind == FailureKind::Key => return Step::Blind(failure.text),
            Err(failure) => self.cause = failure.text,
            Ok(None) => self.searches += 1,
        }
        if self.searches < self.rules.looks.max(1) {
            self.phase = Phase::Pausing(now.instant + self.rules.look_delay);
            return if now.instant >= self.deadline { self.overdue() } else { Step::Wait };
        }
        if self.posts == 0 {
            return Step::NeverCreated;
        }
        if self.for_capacity {
            return Step::NoCapacity { cause: std::mem::take(&mut self.cause), retry_after: None };
        }
        if self.posts >= MAX_POSTS {
            return self.given_up();
        }
        self.repost()
    }

    /// The time of [`Create::wake_at`] has come.
    pub(super) fn on_wake(&mut self, now: Now) -> Step {
        match self.phase {
            Phase::Pausing(_) | Phase::Waiting(_) if now.instant >= self.deadline => self.overdue(),
            Phase::Pausing(at) if now.instant >= at => {
                self.phase = Phase::Searching;
                Step::Search
            }
            Phase::Waiting(at) if now.instant >= at => self.repost(),
            Phase::Pausing(_) | Phase::Waiting(_) | Phase::Posting | Phase::Searching => Step::Wait,
        }
    }

    fn repost(&mut self) -> Step {
        self.posts += 1;
        self.searches = 0;
        self.phase = Phase::Posting;
        Step::Post
    }

    fn post_later(&mut self, now: Now) -> Step {
        if self.posts >= MAX_POSTS {
            return self.given_up();
        }
        let pause = self.rules.look_delay / 2 * 2_u32.saturating_pow(self.posts.saturating_sub(1));
        self.phase = Phase::Waiting(now.instant + pause);
        Step::Wait
    }

    fn overdue(&self) -> Step {
        let reason = format!("no session within `timeouts.task`: {}", self.cause);
        if self.in_doubt() { Step::Unknown { reason } } else { Step::Failed { reason, lasting: true } }
    }

    fn given_up(&self) -> Step {
        Step::Failed {
            reason: format!("no session after {} tries to create one: {}", self.posts, self.cause),
            lasting: false,
        }
    }
}
