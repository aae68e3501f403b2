//! The settings of a manifest: every key with its meaning, its default and its limits.
//!
//! The doc comments of this module and of [`super::job`] are the descriptions in the JSON Schema that editors show and
//! in the tables of README.md.

use std::time::Duration;

use super::account::{AccountName, AccountShare};
use super::located::Located;
use super::policy::{Backoff, MaxFailures, PlanApproval, PollStrategy, RetryOn, RetryText};
use super::setting::Limit::{AtLeast, AtMost, NotZero};
use super::setting::{Setting, settings};
use super::waiting::{StallPolicy, UserFeedback};
use super::waves::Waves;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

settings! {
    /// `strategy`: how many at once, and when to give up on the rest.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Strategy, written StrategyKeys {
        /// Upper bound on live sessions.
        max_parallel: usize = 3, AtLeast(1);
        /// Upper bound on live sessions that work on one repository, those of other runs of the state folder included; no
        /// bound by default.
        max_parallel_per_repository: Option<usize>, AtLeast(1);
        /// The first failed task stops new ones.
        fail_fast: bool = false;
        /// How many failed tasks of the run, all its invocations together, stop new ones: a count, or more than a share such as
        /// `25%` of the tasks that have ended (five at least); no bound by default.
        max_failures: Option<MaxFailures>;
        /// Sessions started in one invocation, the rest is deferred; no bound by default.
        max_tasks: Option<usize>, AtLeast(1);
        /// Repositories one set after the other, each when the one before has passed: `{ sizes: [2, 10%, 100%], order: spread, pass:
        /// { when: ended, min-success: 90%, within: 24h, soak: 0s }, then: continue }`, of which every key may be left out; none by
        /// default.
        waves: Option<Waves>;
    }
}

settings! {
    /// `limits`: what may be asked of the service.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Limits, written LimitKeys {
        /// All requests together, a minute.
        requests_per_minute: u32 = 100, AtLeast(1);
        /// Sessions created, a minute.
        creates_per_minute: u32 = 20, AtLeast(1);
        /// Listings of activities, a minute; the service allows 120.
        activities_per_minute: u32 = 100, AtLeast(1);
        /// Sessions created within a rolling 24 h, counted in the ledger; no bound by default.
        sessions_per_day: Option<u32>, AtLeast(1);
        /// How long creates may be refused for capacity with nothing of ours live before the rest is deferred.
        capacity_wait: Duration = 30 * MINUTE;
        /// The account whose limits hold as well where the ledger is a database (`state limits`); the database's only one by
        /// default.
        account: Option<AccountName>;
        /// How many of that account's live sessions the manifest's runs are to have where others want them: a count, or a share
        /// such as `40%`; as many as each other run by default.
        share: Option<AccountShare>;
    }
}

settings! {
    /// How long one task may take.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Timeouts, written TimeoutKeys {
        /// One attempt at a task, from the creation of its session to its end; it counts the time in which it is followed, over all invocations together.
        task: Duration = 2 * HOUR, NotZero;
        /// Silence of the agent that counts as a stall.
        stall: Duration = 20 * MINUTE, NotZero;
        /// How long a completed session is read again for what it lacks: any output, or the pull request it was asked for.
        settle: Duration = Duration::from_secs(30);
    }
    /// How long a run, its tasks and its requests may take.
    and RunTimeouts, written RunTimeoutKeys {
        /// The whole run, from the start of the invocation, then live sessions are detached; no bound by default.
        run: Option<Duration>, NotZero;
        /// One request, from its first byte out to its last byte in; a create has a limit of its own.
        request: Duration = Duration::from_secs(30), NotZero;
        /// One create, which the service takes longer for; one that is cut off is in doubt.
        create: Duration = Duration::from_secs(120), NotZero;
    }
}

settings! {
    /// `create`: how a create whose answer was lost is settled.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Adoption, written CreateKeys {
        /// How often to look for the session before creating it again.
        looks: u32 = 3, AtLeast(1);
        /// The pause between two looks.
        look_delay: Duration = Duration::from_secs(10);
        /// Without a ledger, a finished session of the same task is taken over when it was created within this time.
        adopt_within: Duration = 6 * HOUR;
    }
}

settings! {
    /// `poll`: how live sessions are watched.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PollSettings, written PollKeys {
        /// The usual distance between two looks at one session.
        interval: Duration = Duration::from_secs(10), NotZero;
        /// Which request asks: `auto`, `list` (pages) or `get` (one by one).
        strategy: PollStrategy;
    }
}

settings! {
    /// `report`: what is told.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Telling, written ReportKeys {
        /// Whether what a session has said and done is read at its end (last words, plan, files, a bounded diff), for the page
        /// and report.json: two requests a task at most, and none where it was read anyway.
        details: bool = true;
    }
}

settings! {
    /// `waiting`: what to do when a session waits.
    #[derive(Clone, Debug)]
    pub(crate) struct WaitingPolicy, written WaitingKeys {
        /// The session's plan waits for an approval: `approve`, `fail` or `detach`.
        plan_approval: PlanApproval;
        /// The agent asks: `fail`, `detach`, or `{ reply: TEXT, max: 1 }` to answer so often in an attempt.
        user_feedback: UserFeedback<Located<String>>;
        /// The agent is silent for `timeouts.stall`: `fail`, or `{ nudge: TEXT, max: 1 }` to send a text so often in
        /// an attempt.
        stall: StallPolicy<Located<String>>;
    }
}

settings! {
    /// `retries`: when to try a task again with a new session.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RetryPolicy, written RetryKeys {
        /// How many further attempts, each with a new session.
        count: u32 = 0, AtMost(100);
        /// The outcomes that are tried again; also `failed`, `needs_input`, `no_change`.
        on: Vec<RetryOn> = vec![RetryOn::Error, RetryOn::Stalled, RetryOn::TimedOut];
        /// How the pause grows: `exponential`, `linear` or `constant`.
        backoff: Backoff;
        /// The first pause.
        delay: Duration = Duration::from_secs(30);
        /// The longest pause.
        max_delay: Duration = 10 * MINUTE;
        /// Whether the pause is drawn between zero and its full length.
        jitter: bool = true;
        /// Added to the prompt of a further attempt, also with `--failed`; no part of what a task is known by. Takes `${{ … }}`, with
        /// `previous.outcome`, `previous.reason`, `previous.pull-request` and `attempt`.
        prompt: Option<RetryText>;
    }
}
