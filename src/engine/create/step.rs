//! What is told a create, and what follows.

use std::time::Duration;

use jiff::Timestamp;

use super::{Create, MAX_POSTS, Phase};
use crate::engine::input::{Now, Seen};

/// What a listing says of the session that is searched for.
#[derive(Debug)]
pub(in crate::engine) enum Look {
    /// Here it is.
    Found(Box<Seen>),
    /// It is not there.
    Absent,
    /// It may be there all the same, for this reason.
    Inconclusive(String),
}

/// What follows.
#[derive(Debug)]
pub(in crate::engine) enum Step {
    /// Nothing, until the answer or until [`Create::wake_at`].
    Wait,
    /// The create is in doubt from here on: search for it.
    Doubt(String),
    /// Search again.
    Search,
    /// Wait for the turn of another POST: the last one surely made nothing.
    Queue,
    /// The same: the last one was in doubt, and has made nothing that was found.
    QueueAgain,
    /// POST, at once.
    Post(Post),
    /// Here it is; `adopted` when it was found by its marker.
    Created { seen: Box<Seen>, adopted: bool },
    /// The intent of an earlier invocation came to nothing: the task starts like any other.
    NeverCreated,
    /// It was not sent, because the run stops: the task waits.
    Withdrawn { cause: String },
    /// There was no capacity: nothing was created, the task waits.
    NoCapacity { cause: String, retry_after: Option<Duration> },
    /// The POST was refused, which may pass: it is sent again later. `first`: it was not refused before.
    Refused { cause: String, first: bool },
    /// It will not be.
    Failed { reason: String, lasting: bool },
    /// The time is over, and nobody knows whether the session exists.
    Unknown { reason: String },
}

/// A POST that is to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Post {
    /// Which of its create, from 1.
    pub(in crate::engine) number: u32,
    /// By then, or never; by the service's clock.
    pub(in crate::engine) send_by: Timestamp,
}

impl Create {
    pub(super) fn post_later(&mut self, now: Now) -> Step {
        if self.posts >= MAX_POSTS {
            return self.given_up();
        }
        let pause = self.rules.look_delay / 2 * 2_u32.saturating_pow(self.posts.saturating_sub(1));
        self.phase = Phase::Waiting(now.instant + pause);
        Step::Wait
    }

    pub(super) fn overdue(&self) -> Step {
        let reason = format!("no session within `timeouts.task`: {}", self.cause);
        if self.in_doubt() { Step::Unknown { reason } } else { Step::Failed { reason, lasting: true } }
    }

    pub(super) fn given_up(&self) -> Step {
        Step::Failed {
            reason: format!("no session after {} tries to create one: {}", self.posts, self.cause),
            lasting: false,
        }
    }
}
