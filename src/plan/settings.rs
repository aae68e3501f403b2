//! What holds for a run as a whole: the manifest's settings with every default filled in.

use std::time::Duration;

pub use crate::manifest::{Backoff, PlanApproval, PollStrategy, RetryOn};

/// A run's settings: no options left, except where "none" is a meaning of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How many at once, and when to give up on the rest.
    pub strategy: Strategy,
    /// What we ask of the service.
    pub limits: Limits,
    /// The whole run's deadline, counted from the invocation's start (`timeouts.run`); none by default.
    pub run_timeout: Option<Duration>,
    /// One request, from its first byte out to its last byte in (`timeouts.request`); 30 s.
    pub request_timeout: Duration,
    /// How a create in doubt is settled (`create`).
    pub adoption: Adoption,
    /// How live sessions are watched (`poll`).
    pub poll: PollSettings,
}

/// `strategy`: how many at once, and when to give up on the rest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Strategy {
    /// Upper bound on live sessions; 3.
    pub max_parallel: usize,
    /// The first failed task stops new ones; off.
    pub fail_fast: bool,
    /// This many failed tasks stop new ones; no bound by default.
    pub max_failures: Option<MaxFailures>,
    /// At most this many sessions are started in one invocation (`--max-tasks`); no bound by default.
    pub max_tasks: Option<usize>,
}

/// `strategy.max-failures`: a count, or a share of the run's tasks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum MaxFailures {
    /// So many tasks.
    Count(usize),
    /// So many per cent of the run's tasks, 0–100.
    Percent(f64),
}

/// `limits`: what we ask of the service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// All requests together, a minute; 100.
    pub requests_per_minute: u32,
    /// `sessions.create`, a minute; 20.
    pub creates_per_minute: u32,
    /// `activities.list`, a minute; 100 (the service's own bound is 120).
    pub activities_per_minute: u32,
    /// Sessions created within a rolling day; no bound of our own by default.
    pub sessions_per_day: Option<u32>,
    /// How long a create may be refused for capacity with nothing of ours live before the rest is deferred; 30 min.
    pub capacity_wait: Duration,
    /// The day of `sessions_per_day`; 24 h, except in compressed time.
    pub day: Duration,
}

/// `create`: how a create in doubt is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adoption {
    /// How often to look for the session before creating again; 3.
    pub looks: u32,
    /// The pause between two looks; 10 s.
    pub look_delay: Duration,
    /// A finished session with a task's marker is adopted when created within this time; 6 h.
    pub adopt_within: Duration,
}

/// `poll`: how live sessions are watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PollSettings {
    /// The usual distance between two looks at one session; 10 s.
    pub interval: Duration,
    /// Which request asks; auto.
    pub strategy: PollStrategy,
}

/// `waiting`: what to do when a session waits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The session's plan waits for an approval.
    pub plan_approval: PlanApproval,
    /// The agent asks.
    pub user_feedback: UserFeedback,
    /// The agent is silent.
    pub stall: StallPolicy,
}

/// `waiting.user-feedback`; fail by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum UserFeedback {
    /// Answer with this text, at most so often; then `needs_input`.
    Reply {
        /// What to answer; rendered, without the agent's question.
        text: String,
        /// How often in one attempt.
        max: u32,
    },
    /// `needs_input` at once.
    #[default]
    Fail,
    /// `detached`: a human will answer.
    Detach,
}

/// `waiting.stall`; fail by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum StallPolicy {
    /// Send this text, at most so often; then `stalled`.
    Nudge {
        /// What to send.
        text: String,
        /// How often in one attempt.
        max: u32,
    },
    /// `stalled` at once.
    #[default]
    Fail,
}

/// How long one task's session may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// One attempt, from its intent to its end; counted anew when another invocation takes it up (`timeouts.task`); 2 h.
    pub task: Duration,
    /// Silence of the agent before it counts as a stall (`timeouts.stall`); 20 min.
    pub stall: Duration,
    /// How long a completed session without outputs is read again (`timeouts.settle`); 30 s.
    pub settle: Duration,
}

/// `retries`: when to try a task again with a new session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// How many further attempts; 0.
    pub count: u32,
    /// What to retry; `error`, `stalled` and `timed_out`.
    pub on: Vec<RetryOn>,
    /// How the pause grows.
    pub backoff: Backoff,
    /// The first pause; 30 s.
    pub delay: Duration,
    /// The longest pause; 10 min.
    pub max_delay: Duration,
    /// Whether the pause is drawn between zero and its full length; on.
    pub jitter: bool,
}

impl Settings {
    /// The same settings in time compressed by `factor`: durations are divided, rates multiplied.
    ///
    /// Simulated runs use it, so that a session of ten minutes takes ten seconds and still meets every rule.
    #[must_use]
    pub fn compressed(mut self, factor: f64) -> Self {
        let shrink = |d: Duration| d.div_f64(factor);
        let grow = |n: u32| (f64::from(n) * factor).min(f64::from(u32::MAX)) as u32;
        self.limits.requests_per_minute = grow(self.limits.requests_per_minute);
        self.limits.creates_per_minute = grow(self.limits.creates_per_minute);
        self.limits.activities_per_minute = grow(self.limits.activities_per_minute);
        self.limits.capacity_wait = shrink(self.limits.capacity_wait);
        self.limits.day = shrink(self.limits.day);
        self.run_timeout = self.run_timeout.map(shrink);
        self.adoption.look_delay = shrink(self.adoption.look_delay);
        self.adoption.adopt_within = shrink(self.adoption.adopt_within);
        self.poll.interval = shrink(self.poll.interval);
        self
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            strategy: Strategy::default(),
            limits: Limits::default(),
            run_timeout: None,
            request_timeout: Duration::from_secs(30),
            adoption: Adoption::default(),
            poll: PollSettings::default(),
        }
    }
}

impl Default for Strategy {
    fn default() -> Self {
        Self { max_parallel: 3, fail_fast: false, max_failures: None, max_tasks: None }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_minute: 100,
            creates_per_minute: 20,
            activities_per_minute: 100,
            sessions_per_day: None,
            capacity_wait: Duration::from_secs(30 * 60),
            day: Duration::from_secs(24 * 60 * 60),
        }
    }
}

impl Default for Adoption {
    fn default() -> Self {
        Self { looks: 3, look_delay: Duration::from_secs(10), adopt_within: Duration::from_secs(6 * 60 * 60) }
    }
}

impl Default for PollSettings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(10), strategy: PollStrategy::Auto }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            task: Duration::from_secs(2 * 60 * 60),
            stall: Duration::from_secs(20 * 60),
            settle: Duration::from_secs(30),
        }
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            count: 0,
            on: vec![RetryOn::Error, RetryOn::Stalled, RetryOn::TimedOut],
            backoff: Backoff::Exponential,
            delay: Duration::from_secs(30),
            max_delay: Duration::from_secs(10 * 60),
            jitter: true,
        }
    }
}

impl Timeouts {
    /// The same in time compressed by `factor`.
    #[must_use]
    pub fn compressed(self, factor: f64) -> Self {
        Self {
            task: self.task.div_f64(factor),
            stall: self.stall.div_f64(factor),
            settle: self.settle.div_f64(factor),
        }
    }
}
